"""What the state directory of a service looks like."""

import os
import pwd
import shutil
import stat
import time
from pathlib import Path
from typing import Final

from agent_analytics.cli._doctor.examination import Examination
from agent_analytics.processor import inspect_state, service_of

_STALE_SECONDS: Final = 30 * 24 * 3600
_FREE_BYTES: Final = 100 << 20


def check_state(examination: Examination, path: Path, service: str) -> None:
    """Check a state directory.

    Args:
        examination: Takes what is found.
        path: The directory.
        service: The service's name; empty where it has none.
    """
    examination.look(f"the state directory {path}")
    if not _there(examination, path):
        return
    owner = service_of(path)
    if owner and service and owner != service:
        examination.find(
            f"The state directory belongs to service {owner!r}, and this is {service!r}.",
            "Give each service a directory of its own, or set OTEL_SERVICE_NAME to the name that "
            "the directory belongs to.",
        )
    free = shutil.disk_usage(path).free
    if free < _FREE_BYTES:
        examination.find(
            f"The disk of the state directory has {free >> 20} MiB left; new series need room.",
            "Make room on that disk.",
        )
    _check_slots(examination, path)


def _there(examination: Examination, path: Path) -> bool:
    """Return whether the directory is there and can be looked at; say where it cannot."""
    try:
        status = path.stat()
    except PermissionError:
        _leave_to(examination, path, "is below a directory that this user may not enter")
        return False
    except OSError:
        examination.leave(
            f"the state directory {path}, which does not exist (yet): the service makes it when it "
            "starts. Where the service runs, it has another one"
            if path.is_absolute()
            else f"the state directory {path}: a path without a / in front begins in the working "
            "directory of the service. Run this command there, or set the whole path"
        )
        return False
    if not stat.S_ISDIR(status.st_mode):
        examination.find(
            f"The state directory {path} is no directory.",
            "Make it a directory of the user that the service runs as, or name another.",
        )
        return False
    if os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return True
    if status.st_uid != os.geteuid():
        _leave_to(examination, path, f"belongs to user {_name(status.st_uid)}")
        return False
    examination.find(
        f"The state directory {path} cannot be written to by its own user, {_name(os.geteuid())}.",
        f"chmod u+rwx {path}; where its disk is read-only, name another.",
    )
    return False


def _leave_to(examination: Examination, path: Path, why: str) -> None:
    examination.leave(
        f"the state directory {path}: it {why}, and this command runs as {_name(os.geteuid())}. "
        "Run it as the user that the service runs as"
    )


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def _check_slots(examination: Examination, path: Path) -> None:
    now = time.time()
    for slot in inspect_state(path):
        if slot.problem:
            examination.find(
                f"{slot.problem}.", "docs/durability.md says what is counted in spite of it."
            )
        if slot.missing:
            examination.find(
                f"{slot.name}: {slot.missing} of {slot.missing + slot.blocks} blocks of series "
                "are damaged.",
                "What they counted is lost; look after the disk.",
            )
        if not slot.alive and now - slot.changed > _STALE_SECONDS:
            examination.find(
                f"{slot.name} has had no worker for {(now - slot.changed) / 86_400:.0f} days; its "
                "counters are still shown.",
                "Nothing, if the service ran with more workers before: its totals go on.",
            )
