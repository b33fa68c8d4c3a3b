"""What an exception means for the outcome of a call.

Decided once for each class, by the names of the class and its bases; an exception itself is only
looked into where its class alone does not decide: a group, an exit, an answer with a code. Nothing
here raises, whatever a class does: names are read past what a metaclass may have put before them.
"""

import weakref
from collections.abc import Callable
from types import MemberDescriptorType
from typing import Any, Final, NamedTuple, cast

from agent_analytics.instrumentation import exceptions
from agent_analytics.instrumentation import vocabulary as names
from agent_analytics.instrumentation._calls.web_answers import ANSWERS, outcome_of_answer
from agent_analytics.instrumentation._strangers.plain_data import constant, defined
from agent_analytics.instrumentation.exceptions import NOTHING, NotErrors

Meaning = tuple[str, str]
#: Looks into an exception whose class means an error; ``None`` where the class has said it all.
Look = Callable[[BaseException, NotErrors], Meaning | None]

_MAX_NAME: Final = 200
#: Leaves of a group that are looked at; a group of more is judged by these.
_MAX_LEAVES: Final = 4_096
#: Of what is in a group, the first of these that occurs decides.
_WEIGHT: Final = (names.ERROR, names.TIMEOUT, names.STEERED, names.SUCCESS, names.CANCELLED)

# What ``type`` itself keeps of a class, whatever its metaclass says.
_read_mro: Final[Callable[[type], tuple[type, ...]]] = type.__dict__["__mro__"].__get__
_read_name: Final[Callable[[type], str]] = type.__dict__["__qualname__"].__get__
_read_module: Final[Callable[[type], object]] = type.__dict__["__module__"].__get__
_read_group: Final[Callable[[BaseException], tuple[BaseException, ...]]] = vars(BaseExceptionGroup)[
    "exceptions"
].__get__
_read_exit: Final[Callable[[BaseException], object]] = vars(SystemExit)["code"].__get__
_read_cause: Final[Callable[[BaseException], BaseException | None]] = vars(BaseException)[
    "__cause__"
].__get__


class _Known(NamedTuple):
    """What is known of a class.

    Attributes:
        kind: The class; it may go, and is forgotten then.
        outcome: What an exception of it means.
        error_type: Its name.
        look: What looks into an exception of it, if that is called for.
    """

    kind: weakref.ref[type]
    outcome: str
    error_type: str
    look: Look | None


#: Codes of gRPC's that are no plain errors.
_CODES: Final = {"DEADLINE_EXCEEDED": names.TIMEOUT, "CANCELLED": names.CANCELLED}
#: What sets a slot, which is no property.
_SLOT_SETS: Final = vars(MemberDescriptorType)["__set__"]

#: By the id of the class: a class may forbid to be hashed or compared.
_known: Final[dict[int, _Known]] = {}


def _text(found: object) -> str:
    """Return an exact, valid text; a class may be given a name of any make."""
    text = str.__str__(found) if isinstance(found, str) else ""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def type_name(kind: type) -> str:
    """Return a type's name as OpenTelemetry writes ``error.type``: builtins without a module."""
    return exceptions.qualified(_text(_read_module(kind)), _text(_read_name(kind)))[:_MAX_NAME]


def _outcome_by(bases: list[str]) -> str:
    """Return the outcome by the names of a class and its bases, the class first.

    What is derived from an exception that steers does so, however it is called. Else the nearest
    name decides: Dramatiq's time limit is derived from what interrupts a thread.
    """
    known = [exceptions.MEANINGS.get(name) for name in bases]
    if next((each for each in known if each is not None), None) == names.STEERED:
        return names.STEERED
    for name, found in zip(bases, known, strict=True):
        meant = found or exceptions.called_like(name)
        if meant is not None:
            return meant
    return names.ERROR


def _of_class(kind: type[BaseException]) -> _Known:
    """Return what is known of a class, found out once."""
    key = id(kind)
    known = _known.get(key)
    if known is not None and known.kind() is kind:
        return known
    bases = [type_name(each) for each in _read_mro(kind)]
    outcome = _outcome_by(bases)
    look = next((_LOOKS[name] for name in bases if name in _LOOKS), None)
    if look is not _look_into_group and outcome != names.ERROR:
        look = None
    reference = weakref.ref(kind, lambda _: _known.pop(key, None))
    known = _known[key] = _Known(reference, outcome, bases[0], look)
    return known


def classify(exception: BaseException, own: NotErrors = NOTHING) -> Meaning:
    """Return the outcome that an exception means, and the name of its type.

    Args:
        exception: What was raised.
        own: Exceptions that are no errors in this call, beside those of every call.
    """
    try:
        return _classify(exception, own)
    except Exception:  # noqa: BLE001 - whatever its class does, it is an error and nothing more
        return names.ERROR, "_OTHER"


def _classify(exception: BaseException, own: NotErrors) -> Meaning:
    kind = type(exception)
    known = _of_class(kind)
    for given in (own, exceptions.everywhere()):
        if given.names and any(given.of_class(type_name(each)) for each in _read_mro(kind)):
            return names.STEERED, known.error_type
    if known.look is None:
        return known.outcome, known.error_type
    return known.look(exception, own) or (known.outcome, known.error_type)


# --- what only the exception itself says ---------------------------------------------------------


def _look_into_group(group: BaseException, own: NotErrors) -> Meaning | None:
    """Return what the leaves of a group mean: a failure if one is, else what outweighs."""
    found: dict[str, str] = {}
    seen: set[int] = set()
    stack = [group]
    leaves = 0
    while stack and leaves < _MAX_LEAVES:
        one = stack.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        inside = _members(one)
        if inside:
            stack.extend(reversed(inside))
            continue
        leaves += 1
        known = _of_class(type(one))
        empty = known.look is _look_into_group
        outcome, error_type = (names.ERROR, known.error_type) if empty else _classify(one, own)
        found.setdefault(outcome, error_type)
    return next(((each, found[each]) for each in _WEIGHT if each in found), None)


def _members(exception: BaseException) -> list[BaseException]:
    """Return what is in an exception, if that is a group."""
    if _of_class(type(exception)).look is not _look_into_group:
        return []
    if BaseExceptionGroup in _read_mro(type(exception)):
        return list(_read_group(exception))
    return [
        each
        for each in cast("list[BaseException]", constant(exception, "exceptions") or [])
        if BaseException in _read_mro(type(each))  # whatever else is among them
    ]


def _look_at_exit(exception: BaseException, own: NotErrors) -> Meaning | None:
    del own
    code = _read_exit(exception)
    return None if not _is_zero(code) else (names.SUCCESS, type_name(type(exception)))


def _look_at_exit_code(exception: BaseException, own: NotErrors) -> Meaning | None:
    del own
    code = constant(exception, "exit_code")
    if not _is_zero(code) or (code is None and _has_property(exception, "exit_code")):
        return None
    return names.SUCCESS, type_name(type(exception))


def _has_property(subject: object, name: str) -> bool:
    """Tell whether a class has a property or the like under a name, which is not run."""
    found = defined(type(subject), name)
    return found is not None and defined(type(found), "__set__") is not _SLOT_SETS


def _is_zero(code: object) -> bool:
    """Tell whether a process that exits with ``code`` has succeeded."""
    return code is None or (int in _read_mro(type(code)) and int.__eq__(cast("int", code), 0))


def _look_at_code(exception: BaseException, own: NotErrors) -> Meaning | None:
    """Look at the code of an answer of gRPC's, in the place that its method reads it from."""
    del own
    kept = constant(exception, "_code")  # of ``grpc.aio``; others have it in the state of a call
    code = constant(constant(exception, "_state"), "code") if kept is None else kept
    name = constant(code, "_name_")
    outcome = _CODES.get(name) if type(name) is str else None
    return None if outcome is None else (outcome, type_name(type(exception)))


def _look_at_reason(exception: BaseException, own: NotErrors) -> Meaning | None:
    return _by_another(constant(exception, "reason"), own)


def _look_at_cause(exception: BaseException, own: NotErrors) -> Meaning | None:
    return _by_another(_read_cause(exception), own)


def _by_another(inner: Any, own: NotErrors) -> Meaning | None:  # noqa: ANN401 - of any type
    """Return what the exception that another one stands for means, if that is no plain error."""
    kind = cast("type[BaseException]", type(inner))
    if inner is None or BaseException not in _read_mro(kind):
        return None
    known = _of_class(kind)
    if known.look is not None:
        return None
    found = _classify(inner, own)
    return None if found[0] == names.ERROR else found


def _look_at_answer(exception: BaseException, own: NotErrors) -> Meaning | None:
    """Look at the answer that a web server gives for an exception."""
    del own
    outcome = outcome_of_answer(exception)
    return None if outcome is None else (outcome, type_name(type(exception)))


#: By the qualified name of a class, for it and what is derived from it.
_LOOKS: Final[dict[str, Look]] = {
    "BaseExceptionGroup": _look_into_group,
    "anyio._core._exceptions.ExceptionGroup": _look_into_group,
    "anyio.ExceptionGroup": _look_into_group,
    "hatchet_sdk.exceptions.FailedTaskRunExceptionGroup": _look_into_group,
    "trio.MultiError": _look_into_group,
    "trio._core._multierror.MultiError": _look_into_group,
    "SystemExit": _look_at_exit,
    "click.exceptions.Exit": _look_at_exit_code,
    "typer.exceptions.Exit": _look_at_exit_code,
    "grpc.RpcError": _look_at_code,
    "urllib.error.URLError": _look_at_reason,
    "urllib3.exceptions.MaxRetryError": _look_at_reason,
    "tenacity.RetryError": _look_at_cause,
    "temporalio.exceptions.ActivityError": _look_at_cause,
    "temporalio.exceptions.ChildWorkflowError": _look_at_cause,
    "temporalio.exceptions.NexusOperationError": _look_at_cause,
    **dict.fromkeys(ANSWERS, _look_at_answer),
}
