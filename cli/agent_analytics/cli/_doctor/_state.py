"""What the state directory of a service looks like."""

import os
import shutil
import time
from pathlib import Path
from typing import Final

from agent_analytics.cli._doctor._examination import Examination
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
    if not path.is_dir():
        what = "is no directory" if path.exists() else "does not exist (yet)"
        examination.find(
            f"The state directory {path} {what}.",
            "Make it, for the user that the service runs as; or start the service, which makes it.",
        )
        return
    if not os.access(path, os.W_OK | os.X_OK):
        examination.find(
            f"The state directory {path} cannot be written to by this user.",
            "Give it to the user that the service runs as, and run the doctor as that user.",
        )
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
