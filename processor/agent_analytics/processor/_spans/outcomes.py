"""What came of a call: read from its span, whoever recorded it."""

from typing import Any, Final

from agent_analytics.instrumentation import exceptions
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.exact import exact, exact_attributes, exact_text
from agent_analytics.processor._spans.sdk_access import Attributes

SUCCESS: Final = 0
ERROR: Final = 1
TIMEOUT: Final = 2
CANCELLED: Final = 3
#: Of a try that was no call: nothing is stored by this outcome.
STEERED: Final = 4

#: Outcomes by what spans say.
OUTCOMES: Final[dict[object, int]] = {
    **{outcome: i for i, outcome in enumerate(v.OUTCOMES)},
    v.STEERED: STEERED,
}
#: The conventions' word for an error whose type is not given.
_UNKNOWN_TYPE: Final = "_OTHER"
_REMEMBERED: Final = 4_096
#: A longer name is no label, and must not fill the memory.
_REMEMBERED_LENGTH: Final = 256
_short: dict[str, str] = {}
#: Outcomes by the name of an exception and the instrumentation scope.
_meant: dict[tuple[str, str], int] = {}


def outcome_of(span: Any, attributes: Attributes, *, failed: bool) -> int:
    """Return the outcome of an ended span: as it says itself, else from its status.

    Success is OK in some frameworks and UNSET in others; only ERROR means a failure. What was
    recorded as an error and is none, or a timeout, shows in the exception's type.
    """
    stated = attributes.get(v.OUTCOME)
    if type(stated) is str:
        index = OUTCOMES.get(stated)
        if index is not None:
            return index
    if not failed:
        return SUCCESS
    return outcome_by_name(full_name(span, attributes), source_of(span))


def outcome_said(stated: object, error_type: object, source: str, *, failed: bool) -> int:
    """Return the outcome of a span of which is known what it says: as above, without events.

    Args:
        stated: The outcome that it states, if any.
        error_type: The name of the exception's type, if any.
        source: Name of the instrumentation.
        failed: Whether it failed.
    """
    index = OUTCOMES.get(stated) if type(stated) is str else None
    if index is not None:
        return index
    return outcome_by_name(named_type(error_type), source) if failed else SUCCESS


def source_of(span: Any) -> str:
    """Return the name of the instrumentation that recorded a span."""
    scope = span.instrumentation_scope
    return (exact_text(scope.name) or "") if scope is not None else ""


def outcome_by_name(name: str, source: str) -> int:
    """Return what an exception of this name means to an instrumentation: it is no success."""
    given = exceptions.everywhere()
    if given.names and given.of_span(name):
        return STEERED
    key = (name, source)
    found = _meant.get(key)
    if found is None:
        found = _outcome(name, source)
        if len(name) <= _REMEMBERED_LENGTH:
            if len(_meant) >= _REMEMBERED:
                _meant.clear()
            _meant[key] = found
    return found


def asked_for(span: Any) -> bool:
    """Tell whether a framework ended a span that did not fail by an exception that steers it.

    An instrumentation that knows the exception gives the span a good status, and records it. (An
    iterator that ended, or a queue, is recorded by others where all went well.)
    """
    name = _of_events(span)
    return name is not None and exceptions.is_of_framework(_plain(name))


def _outcome(name: str, scope: str) -> int:
    meant = exceptions.MEANINGS.get(name)
    if meant is None:
        if exceptions.steers_bare(name, scope):
            return STEERED
        meant = exceptions.called_like(name)
    return ERROR if meant is None else OUTCOMES[meant]


def full_name(span: Any, attributes: Attributes) -> str:
    """Return the name of the exception's type with its module, where any part of the span has it.

    ``error.type`` may be the bare name of what the last exception event names in full.
    """
    stated = attributes.get(v.ERROR_TYPE)
    if type(stated) is not str or not stated or stated == _UNKNOWN_TYPE:
        stated = None
    elif "." in stated:
        return _plain(stated)
    named = _of_events(span)
    if named is not None and (stated is None or named.rpartition(".")[2] == stated):
        return _plain(named)
    return stated or _UNKNOWN_TYPE


def named_type(error_type: object) -> str:
    """Return the name of the exception's type as ``error.type`` has it."""
    if type(error_type) is not str or not error_type:
        return _UNKNOWN_TYPE
    return _plain(error_type) if "." in error_type else error_type


def _of_events(span: Any) -> str | None:
    """Return the type that the last exception event names, or ``None``."""
    for event in reversed(span.events):
        if exact(event.name) == "exception":
            carried: Attributes = exact_attributes(event.attributes or {})
            stated = carried.get("exception.type")
            return stated if type(stated) is str and stated else None
    return None


def _plain(name: str) -> str:
    """Return a name without what the text of a class has round it, or the module of builtins."""
    return name.removeprefix("<class '").removesuffix("'>").removeprefix("builtins.")


def error_type_of(span: Any, attributes: Attributes) -> str:
    """Return the short name of the exception's type; its text is never looked at.

    Modules are stripped, since instrumentations differ in giving them. Where ``error.type`` is
    missing, the last exception event has it.
    """
    stated = attributes.get(v.ERROR_TYPE)
    if type(stated) is not str:
        stated = exact(stated)
    if type(stated) is not str or not stated or stated == _UNKNOWN_TYPE:
        stated = _of_events(span)
    return _UNKNOWN_TYPE if stated is None else short_name(stated)


def short_name(stated: object) -> str:
    """Return the name of an exception's type without its modules."""
    if type(stated) is not str or not stated:
        return _UNKNOWN_TYPE
    short = _short.get(stated)
    if short is None:
        # "<class 'openai.RateLimitError'>" and "openai.RateLimitError" are one type.
        short = _plain(stated).rpartition(".")[2] or _UNKNOWN_TYPE
        if len(stated) <= _REMEMBERED_LENGTH:
            if len(_short) >= _REMEMBERED:
                _short.clear()
            _short[stated] = short
    return short
