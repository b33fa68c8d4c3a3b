"""Blocks of Prometheus, made of samples in the text of OpenMetrics."""

import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Final

from agent_analytics.insights._past.servers import ServerError, find_command

#: Hours of a block. They begin where those of Prometheus do, which are two hours times a power of
#: three: a block lies within one of Prometheus' own, or has whole ones of them in it.
BLOCK_HOURS: Final = 54
_BLOCK_MS: Final = BLOCK_HOURS * 3_600_000
_LONGEST_MESSAGE: Final = 2_000


class SampleText:
    """Samples on their way into blocks: a file for each block and family.

    Attributes:
        samples: How many were written.
        first: The earliest of their times in milliseconds; None where there are none.
        last: The latest of them.
    """

    def __init__(self, directory: Path) -> None:
        """Write to a directory, which is made."""
        self._directory = directory
        directory.mkdir(parents=True)
        self._files: dict[tuple[int, str], IO[str]] = {}
        self.samples = 0
        self.first: int | None = None
        self.last: int | None = None

    def write(
        self, name: str, labels: Mapping[str, str], points: Iterable[tuple[int, float]]
    ) -> None:
        """Write samples of a series, the earliest first and none before those written already.

        Args:
            name: Name of the series.
            labels: Its other labels.
            points: Times in milliseconds, with their values.
        """
        inside = ",".join(
            f'{key}="{_escaped(value)}"' for key, value in labels.items() if key != "__name__"
        )
        for time, value in points:
            self.samples += 1
            self.first = time if self.first is None else min(self.first, time)
            self.last = time if self.last is None else max(self.last, time)
            # Promtool cuts off what is below a millisecond of the seconds that it has read: a
            # part of one more keeps 0.123 from being 0.122.
            at = f"{time // 1000}.{time % 1000:03d}2"
            self._file(time // _BLOCK_MS, name).write(f"{name}{{{inside}}} {value!r} {at}\n")

    def finish(self) -> Iterator[Path]:
        """Yield a file for each block; whoever takes it removes it."""
        paths: dict[int, Path] = {}
        for (block, name), file in self._files.items():
            file.close()
            path = paths.setdefault(block, self._directory / f"{block}.txt")
            with path.open("ab") as whole, Path(file.name).open("rb") as lines:
                whole.write(f"# TYPE {name} gauge\n".encode())
                shutil.copyfileobj(lines, whole, 1 << 20)
            Path(file.name).unlink()
        self._files = {}
        for path in paths.values():
            with path.open("ab") as whole:
                whole.write(b"# EOF\n")
            yield path

    def _file(self, block: int, name: str) -> IO[str]:
        file = self._files.get((block, name))
        if file is None:
            path = self._directory / f"{block}-{name}"
            file = self._files[block, name] = path.open("w", encoding="utf-8", buffering=1 << 18)
        return file


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def make_blocks(path: Path, directory: Path, *, hours: int = BLOCK_HOURS) -> None:
    """Turn OpenMetrics text into blocks, and remove the text.

    Args:
        path: The text.
        directory: Where the blocks are put.
        hours: How long a block may be. By itself promtool makes blocks of two hours, which takes
            minutes where seconds do.

    Raises:
        ServerError: promtool is not installed, or refused it.
    """
    command = [find_command("promtool"), "tsdb", "create-blocks-from"]
    command += ["--quiet", f"--max-block-duration={hours}h", "openmetrics"]
    done = subprocess.run(
        [*command, str(path), str(directory)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        msg = f"promtool failed: {(done.stderr or done.stdout)[-_LONGEST_MESSAGE:]}"
        raise ServerError(msg)
    path.unlink()
