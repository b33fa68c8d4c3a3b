"""Things that are no regular files, made where a file of a state directory is expected."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final


def _directory(path: Path) -> None:
    path.mkdir()
    (path / "kept").write_text("kept")


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        back = Path.cwd()
        os.chdir(path.parent)  # names of sockets are short
        try:
            listener.bind(path.name)
        finally:
            os.chdir(back)


def _foreign_link(path: Path) -> None:
    target = path.parent.parent / f"elsewhere-{path.name}"
    target.write_text("precious")
    path.symlink_to(target)


#: What is made, by its name.
ODD: Final[dict[str, Callable[[Path], object]]] = {
    "pipe": os.mkfifo,
    "socket": _socket,
    "directory": _directory,
    "link to itself": lambda path: path.symlink_to(path.name),
    "dangling link": lambda path: path.symlink_to(path.parent.parent / f"nowhere-{path.name}"),
    "link to a file": _foreign_link,
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "empty file": lambda path: path.write_bytes(b""),
    "nested": lambda path: path.write_bytes(b"[" * 60_000),
    "noise": lambda path: path.write_bytes(os.urandom(5_000)),
    "wrong kinds": lambda path: path.write_text('{"format": "x", "service": [1], "port": 1e999}'),
}
#: Every file that a state directory has, or had for a moment.
NAMES: Final = (
    "lock",
    "service.json",
    "service.new",
    "target",
    "target.new",
    "target.heir",
    "slot-0000",
    "event-ids",
    "shares",
)
