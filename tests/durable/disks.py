"""Small file systems of a test's own, where this machine lets us mount any."""

import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

KIB = 1024


def _mount(*arguments: str) -> None:
    """Mount something, or skip the test with what the system says."""
    if os.getuid() != 0 or not Path("/bin/mount").exists():
        pytest.skip("only root may mount a file system")
    done = subprocess.run(["/bin/mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")


@contextmanager
def mounted(kind: str, folder: Path, kib: int) -> Generator[Path]:
    """Mount a file system of a kind and size on a folder that is made for it.

    Args:
        kind: ``tmpfs``, or one that is made in a file, such as ``ext4``.
        folder: Where to make what is needed.
        kib: Its size.
    """
    place = folder / "disk"
    place.mkdir()
    if kind == "tmpfs":
        _mount("-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(place))
    else:
        image = folder / "image"
        with image.open("wb") as file:
            file.truncate(kib * KIB)
        make = shutil.which(f"mkfs.{kind}")
        if make is None:
            pytest.skip(f"there is no mkfs.{kind}")
        subprocess.run([make, "-q", "-m", "0", str(image)], check=True, capture_output=True)
        _mount("-o", "loop", str(image), str(place))
    try:
        yield place
    finally:
        subprocess.run(["/bin/umount", "-l", str(place)], check=True)


@contextmanager
def read_only(place: Path, folder: Path) -> Generator[Path]:
    """Show a folder once more, where nothing can be written."""
    other = folder / "read-only"
    other.mkdir()
    _mount("--bind", str(place), str(other))
    try:
        _mount("-o", "remount,ro,bind", str(other))
        yield other
    finally:
        subprocess.run(["/bin/umount", "-l", str(other)], check=True)


def fill(place: Path) -> None:
    """Leave no room on a file system."""
    for size in (64 * KIB, KIB, 1):
        with (place / f"ballast-{size}").open("wb", buffering=0) as file:
            while True:
                try:
                    if file.write(bytes(size)) < size:
                        break
                except OSError:
                    break
