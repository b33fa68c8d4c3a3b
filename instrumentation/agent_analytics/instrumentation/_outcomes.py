"""What an exception means for the outcome of a call."""

import asyncio
import concurrent.futures
from typing import Final

from agent_analytics.instrumentation import vocabulary as names

_CANCELLED: Final = (
    asyncio.CancelledError,
    concurrent.futures.CancelledError,
    GeneratorExit,
    KeyboardInterrupt,
)
#: Class names by which libraries that are not imported here call their timeouts.
_TIMEOUT_NAMES: Final = frozenset(
    {
        "Timeout",
        "TimeoutError",
        "TimeoutException",
        "TimeoutExpired",
        "APITimeoutError",
        "DeadlineExceeded",
    }
)
#: Classes made at run time must not be kept alive without bound.
_MAX_KNOWN: Final = 1024
_MAX_NAME: Final = 200

_known: Final[dict[type[BaseException], tuple[str, str]]] = {}


def type_name(kind: type) -> str:
    """Return a type's name as OpenTelemetry writes ``error.type``: builtins without a module."""
    module = kind.__module__
    name = kind.__qualname__ if module in {"builtins", None} else f"{module}.{kind.__qualname__}"
    return name[:_MAX_NAME]


def _classify(kind: type[BaseException]) -> str:
    if issubclass(kind, _CANCELLED):
        return names.CANCELLED
    for ancestor in kind.__mro__:
        name = ancestor.__name__
        if name in _TIMEOUT_NAMES:
            return names.TIMEOUT
        if name == "Cancelled" and ancestor.__module__.partition(".")[0] == "trio":
            return names.CANCELLED
    return names.ERROR


def classify(kind: type[BaseException]) -> tuple[str, str]:
    """Return the outcome that an exception of this type means, and the type's name."""
    found = _known.get(kind)
    if found is None:
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        found = _known[kind] = (_classify(kind), type_name(kind))
    return found
