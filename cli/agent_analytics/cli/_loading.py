"""Loads OpenTelemetry in spite of settings with which it cannot be loaded.

Some of its variables are read while it is imported, and what is wrong in one of them ends the
program: that of an agent as well as this command, which is to say so.
"""

import logging
import os
from importlib import import_module
from typing import Final


def _load() -> None:
    import_module("opentelemetry.propagate")
    import_module("opentelemetry.sdk.trace")
    import_module("opentelemetry.trace").get_tracer_provider()


def _why() -> str:
    """Return why OpenTelemetry cannot be loaded; empty where it can."""
    logging.disable(logging.CRITICAL)  # it logs what it raises, with a traceback
    try:
        _load()
    except Exception as error:  # noqa: BLE001 - each setting has errors of its own
        return str(error) or type(error).__name__
    finally:
        logging.disable(logging.NOTSET)
    return ""


def _unreadable() -> dict[str, str]:
    """Load OpenTelemetry and return which variables kept it from that, and why.

    They are taken out of the environment of this process, where other imports would read them.
    """
    found: dict[str, str] = {}
    why = _why()
    names = sorted(name for name in os.environ if name.startswith("OTEL_"))
    # What the error names comes first; the others are taken out one by one.
    for name in sorted(names, key=lambda each: each not in why):
        if not why:
            break
        value = os.environ.pop(name)
        after = _why()
        if after == why:
            os.environ[name] = value
        else:
            found[name], why = why, after
    return found


#: Variables with which OpenTelemetry cannot be loaded, and what it says of each.
UNREADABLE: Final = _unreadable()
