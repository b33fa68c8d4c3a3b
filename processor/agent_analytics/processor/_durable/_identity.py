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
    digits = name.removeprefix(SLOT)
    return name in _NAMES or name.startswith(TARGET) or (digits != name and digits.isdigit())
