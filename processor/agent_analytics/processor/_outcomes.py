"""What came of a call: read from its span, whoever recorded it."""

from typing import Any, Final

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor._reading import Attributes

SUCCESS: Final = 0
ERROR: Final = 1
TIMEOUT: Final = 2
CANCELLED: Final = 3

#: Outcomes by what spans say.
OUTCOMES: Final[dict[object, int]] = {outcome: i for i, outcome in enumerate(v.OUTCOMES)}
#: Names of exceptions that say that a call was cancelled.
CANCELLED_TYPES: Final = frozenset({"CancelledError", "Cancelled", "GeneratorExit"})
#: A foreign span tells the name of an exception and not what it inherits from.
_TIMEOUT_ENDINGS: Final = ("Timeout", "TimeoutError", "TimeoutException", "DeadlineExceeded")
#: The conventions' word for an error whose type is not told.
_UNTOLD: Final = "_OTHER"
_REMEMBERED: Final = 4_096
#: A longer name is no label, and must not fill the memory.
_REMEMBERED_LENGTH: Final = 256
_short: dict[str, str] = {}


def outcome_of(span: Any, attributes: Attributes, *, failed: bool) -> int:
    """Return the outcome of an ended span: as it says itself, else from its status.

    Success is OK in some frameworks and UNSET in others; only ERROR means a failure. A
    cancellation or a timeout that was recorded as an error shows in the exception's type.
    """
    told = attributes.get(v.OUTCOME)
    if type(told) is str:
        index = OUTCOMES.get(told)
        if index is not None:
            return index
    if not failed:
        return SUCCESS
    error = error_type_of(span, attributes)
    if error in CANCELLED_TYPES:
        return CANCELLED
    return TIMEOUT if error.endswith(_TIMEOUT_ENDINGS) else ERROR


def error_type_of(span: Any, attributes: Attributes) -> str:
    """Return the short name of the exception's type; its text is never looked at.

    Modules are stripped, since instrumentations differ in giving them. Where ``error.type`` is
    missing, the last exception event tells.
    """
    told = attributes.get(v.ERROR_TYPE)
    if type(told) is not str or not told or told == _UNTOLD:
        for event in reversed(span.events):
            if event.name == "exception":
                carried: Attributes = event.attributes or {}
                told = carried.get("exception.type")
                break
    if type(told) is not str or not told:
        return _UNTOLD
    short = _short.get(told)
    if short is None:
        # "<class 'openai.RateLimitError'>" and "openai.RateLimitError" are one type.
        short = told.removeprefix("<class '").removesuffix("'>").rpartition(".")[2] or _UNTOLD
        if len(told) <= _REMEMBERED_LENGTH:
            if len(_short) >= _REMEMBERED:
                _short.clear()
            _short[told] = short
    return short
