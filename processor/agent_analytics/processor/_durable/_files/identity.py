"""Whose a state directory is, by its own word, and which files in it are ours, by their names."""

import json
import os
from pathlib import Path
from typing import Final, cast

from agent_analytics.processor.private_files import open_private

IDENTITY: Final = "service.json"
LOCK: Final = "lock"
SLOT: Final = "slot-"
EVENT_IDS: Final = "event-ids"
SHARES: Final = "shares"
TARGET: Final = "target"
_NAMES: Final = {IDENTITY, "service.new", LOCK, EVENT_IDS, SHARES}
_LONGEST_IDENTITY: Final = 65_536


def read_identity(path: Path) -> tuple[dict[str, object], bool]:
    """Return what a directory says of itself, and whether the file that says so is damaged.

    Raises:
        OddFileError: It is no regular file.
        OSError: It cannot be read.
    """
    try:
        descriptor = open_private(path, create=False, write=False)
    except FileNotFoundError:
        return {}, False
    try:
        document: object = json.loads(os.read(descriptor, _LONGEST_IDENTITY))
    except (ValueError, RecursionError):
        return {}, True
    finally:
        os.close(descriptor)
    known = cast("dict[str, object]", document) if isinstance(document, dict) else {}
    if not known or not isinstance(known.get("service", ""), str):
        return {}, True
    return known, False


def is_ours(name: str) -> bool:
    """Return whether a file in a state directory is one that we make, by its name."""
    return name in _NAMES or name.startswith(TARGET) or number_of(name) is not None


def slot_name(number: int) -> str:
    """Return how the file of a slot is called."""
    return f"{SLOT}{number:04d}"


def number_of(name: str) -> int | None:
    """Return the number of the slot whose file is called so, or ``None`` if none is.

    A name that Python reads as the same number (``slot-00001``, ``slot-\u0661``) is another file's.
    """
    digits = name.removeprefix(SLOT)
    if digits == name or not (digits.isascii() and digits.isdigit()):
        return None
    number = int(digits)
    return number if slot_name(number) == name else None
