"""Where baggage comes in: at every propagator, and where baggage itself is set.

A class of propagators is stood at by its ``extract``. That alone is got round: by methods that were
bound before, that are set on an instance, or that are of no class of OpenTelemetry's. All of them
put what they extract into a context by ``opentelemetry.baggage``, whoever holds its functions. So
what is of ours there is looked at, too, and what a propagator sets is kept apart from what the
process sets by who has called.
"""

# ruff: noqa: ANN401 - propagators take carriers and getters of any type

import inspect
import operator
from collections.abc import Callable
from functools import wraps
from types import CodeType, FrameType
from typing import Any, Final, cast

from opentelemetry import baggage
from opentelemetry.context import Context, get_current, set_value
from opentelemetry.propagators.textmap import TextMapPropagator

from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.instrumentation.incoming import admitted, admitted_entries, ours_of

#: Marks what stands at the door already.
_AT_THE_DOOR: Final = "_agent_analytics_at_the_door"
#: What the second and third arguments of ``TextMapPropagator.extract`` are called by.
_CARRIER: Final = "carrier"
_GETTER: Final = "getter"
#: What a method is wrapped in that asks for no instance.
_BOUND: Final = (classmethod, staticmethod)
_FUNCTION: Final[Callable[[Any], Any]] = operator.attrgetter("__func__")
#: So far from the setting of baggage is the propagator that sets it, at most.
_FRAMES: Final = 16
_WHAT: Final = "what a caller's baggage says"
(_BAGGAGE_KEY,) = baggage.set_baggage("", "", Context())
#: What ``opentelemetry.baggage`` puts its entries into contexts by, whoever holds its functions.
_put: Final[Callable[..., Context]] = vars(baggage).get("set_value", set_value)


# --- classes of propagators ----------------------------------------------------------------------


def _at_the_door(extract: Callable[..., Any], first: int) -> Callable[..., Any]:
    """Return ``extract`` with a look at its outcome.

    Args:
        extract: What a class has by this name.
        first: Where the carrier is among its arguments; the context is the next one.
    """

    @wraps(extract)
    def at_the_door(*args: Any, **kwargs: Any) -> Any:
        given = args[first + 1] if len(args) > first + 1 else kwargs.get("context")
        before = get_current() if given is None else given
        extracted = extract(*args, **kwargs)
        try:
            return admitted(before, extracted) if type(extracted) is Context else extracted
        except Exception:  # noqa: BLE001 - telemetry never raises into the host
            note_internal_error(_WHAT)
            return before

    setattr(at_the_door, _AT_THE_DOOR, True)
    return at_the_door


def _stand(kind: type[TextMapPropagator]) -> None:
    """Stand at the door of a class of propagators, once."""
    found: object = vars(kind).get("extract")
    kept: Any = next((each for each in _BOUND if type(found) is each), None)
    extract: Any = cast("Any", found) if kept is None else _FUNCTION(found)
    if not callable(extract) or getattr(extract, _AT_THE_DOOR, False):
        return
    method: Any = _at_the_door(extract, 0 if kept is staticmethod else 1)
    setattr(kind, "extract", method if kept is None else kept(method))  # noqa: B010 - of any class


def _stand_at_all(kind: type[TextMapPropagator]) -> None:
    _stand(kind)
    for each in kind.__subclasses__():
        _stand_at_all(each)


def _made(cls: type[Any], /, **arguments: Any) -> None:
    above = cast("Any", super)(TextMapPropagator, cls)
    above.__init_subclass__(**arguments)
    _stand(cls)


# --- baggage -------------------------------------------------------------------------------------


def _set_value(key: str, value: object, context: Context | None = None) -> Context:
    """Put baggage into a context, as ``opentelemetry.context.set_value`` does."""
    try:
        if key == _BAGGAGE_KEY and type(value) is dict:
            entries = cast("dict[str, object]", value)
            came = ours_of(baggage.get_all(context), entries)
            if came and _is_extracted(inspect.currentframe()):
                before = get_current() if context is None else context
                value, context = admitted_entries(before, came, entries)
    except Exception:  # noqa: BLE001 - telemetry never raises into the host
        note_internal_error(_WHAT)
    return _put(key, value, context)


def _is_extracted(frame: FrameType | None) -> bool:
    """Tell whether a propagator is at work in a frame, or in one of those that have called it."""
    for _ in range(_FRAMES):
        if frame is None:
            break
        if _extracts(frame.f_code, frame):
            return True
        frame = frame.f_back
    return False


def _extracts(code: CodeType, frame: FrameType) -> bool:
    """Tell whether a function is a propagator's: by its arguments, or by what it is a method of.

    Handlers of messages have a carrier, too, and agents extract much. Neither does both.
    """
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if _CARRIER in arguments and _GETTER in arguments:
        return True
    if "extract" not in code.co_name:
        return False
    if _CARRIER in arguments:
        return True
    first: object = frame.f_locals.get(arguments[0]) if code.co_argcount else None
    kind = cast("type", first) if issubclass(type(first), type) else type(first)
    return any(each is TextMapPropagator for each in type.mro(kind))


def stand() -> None:
    """Stand at every door, from now on."""
    if vars(baggage).get("set_value") is not _put:  # it is stood at, or is another's
        return
    _stand_at_all(TextMapPropagator)  # type: ignore[type-abstract]  # none is made of it
    setattr(  # noqa: B010 - a class of others that learns of its own subclasses
        TextMapPropagator, "__init_subclass__", classmethod(_made)
    )
    setattr(baggage, "set_value", _set_value)  # noqa: B010 - a name that it does not export
