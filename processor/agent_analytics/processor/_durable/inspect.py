"""A look at a state directory from outside, without taking part in it."""

import os
from dataclasses import dataclass
from pathlib import Path

from agent_analytics.processor._durable._files import format as form
from agent_analytics.processor._durable._files.directory import StateDirectory
from agent_analytics.processor._durable._files.file import BlockFile, FileError
from agent_analytics.processor._durable._files.identity import IDENTITY, read_identity
from agent_analytics.processor.private_files import OddFileError, open_private


@dataclass(frozen=True, slots=True)
class SlotReport:
    """What there is to say of one slot.

    Attributes:
        name: Of its file.
        alive: Whether a worker holds it.
        pid: Process that took it last; 0 if unknown.
        blocks: Blocks of series in it.
        missing: Blocks that are damaged.
        changed: When the file was last written to the disk, in seconds since 1970.
        problem: Why it cannot be used; empty if it can.
    """

    name: str
    alive: bool
    pid: int
    blocks: int
    missing: int
    changed: float
    problem: str


def service_of(path: Path) -> str:
    """Return the service that a state directory belongs to, or an empty text."""
    try:
        return str(read_identity(path / IDENTITY)[0].get("service", ""))
    except OSError:
        return ""


def inspect_state(path: Path) -> list[SlotReport]:
    """Return a report on every slot of a state directory.

    Raises:
        OSError: The directory cannot be read.
    """
    directory = StateDirectory(path, "", b"")
    reports: list[SlotReport] = []
    with directory.locked(needed=True):
        living = {number for number in directory.slots() if directory.alive(number)}
    for number in directory.slots():
        slot = directory.slot_path(number)
        try:
            descriptor = open_private(slot, create=False)
        except OddFileError as error:
            reports.append(SlotReport(slot.name, False, 0, 0, 0, 0.0, str(error.strerror)))  # noqa: FBT003 - a row
            continue
        changed = os.fstat(descriptor).st_mtime
        pid = blocks = missing = 0
        problem = ""
        try:
            whole = form.is_whole(os.fstat(descriptor).st_size)
            file = BlockFile.open(slot, descriptor) if whole else None
            if file is not None:
                blocks = len(file.scan())
                missing, pid = file.missing(), file.counters[form.PID]
            elif not whole:
                problem = f"{slot.name} was cut short"
        except FileError as error:
            problem = str(error)
        finally:
            os.close(descriptor)
        reports.append(
            SlotReport(slot.name, number in living, pid, blocks, missing, changed, problem)
        )
    return reports
