"""Classes of exceptions that lie, raise or cannot be hashed reach the host as they are."""

# Classes break every rule on purpose.
# pyright: reportAssignmentType=false, reportIncompatibleMethodOverride=false
# pyright: reportPrivateUsage=false, reportArgumentType=false

# ruff: noqa: N818 - classes and methods are as bad as can be

import gc
import importlib
import weakref
from collections.abc import Callable
from typing import Any, ClassVar, Final, NoReturn, cast
from unittest.mock import Mock

import grpc
import pytest

from agent_analytics.instrumentation import agent, current_invocation, tool
from agent_analytics.instrumentation._calls import outcomes

Said = Callable[[], dict[str, object]]

#: Seconds after which a call that nobody answers ends.
_SOON: Final = 0.05


class Trap(Exception):
    """What hostile classes raise."""


def spring(*_args: object, **_kwargs: object) -> NoReturn:
    """Raise, whatever is asked."""
    raise Trap


class RaisingMeta(type):
    """Answers nothing about its classes."""

    __eq__ = __hash__ = __repr__ = __str__ = __bool__ = spring
    __call__ = spring
    # Not the checks of instances and subclasses: Python itself asks those when it raises.
    __name__ = __module__ = __mro__ = __bases__ = property(spring)

    def __getattribute__(cls, name: str) -> object:
        raise Trap(name)


def hostile() -> BaseException:
    """Return an exception whose class answers nothing."""
    kind: Any = type.__call__(RaisingMeta, "Hostile", (Exception,), {"__module__": "shop"})
    exception: BaseException = BaseException.__new__(kind)
    return exception


class LyingClass(Exception):
    """Says that it is a cancellation."""

    __class__ = property(lambda _: KeyboardInterrupt)


class RaisingInstance(Exception):
    """Answers nothing about itself."""

    __eq__ = __hash__ = __repr__ = __str__ = __bool__ = spring
    __class__ = property(spring)
    args = property(spring)
    __cause__ = __context__ = property(spring)

    def __getattribute__(self, name: str) -> object:
        raise Trap(name)


class Slotted(Exception):
    """Has no place for anything."""

    __slots__ = ()


class OddModule(Exception):
    """Comes from no module."""

    __module__ = cast("str", 7)


class PropertyModule(Exception):
    """Finds its module when asked."""

    __module__ = property(spring)


class HostileText(str):
    """A text that raises when used."""

    __slots__ = ()
    __eq__ = __hash__ = __format__ = __str__ = __len__ = spring


class TextModule(Exception):
    """Has a module that cannot be used."""

    __module__ = HostileText("shop")


class Surrogate(Exception):
    """Has a name that no exporter can send."""


Surrogate.__qualname__ = "Sur\ud800rogate"


class RaisingGroup(ExceptionGroup):
    """Hides what is in it."""

    exceptions = message = property(spring)
    derive = split = subgroup = spring


class RaisingExit(SystemExit):
    """Hides its code."""

    code = property(spring)


class OwnCode(Exception):
    """As gRPC's, with a code that raises what no ``except Exception`` catches."""

    __module__, __qualname__ = "grpc", "RpcError"

    def code(self) -> NoReturn:
        """Exit."""
        raise SystemExit(0)


class CountedCode(grpc.RpcError):
    """A stranger's, derived from gRPC's own, whose every answer is counted."""

    asked: ClassVar[list[str]] = []

    def code(self) -> grpc.StatusCode:
        """Return a code, as a client's wrapper does that asks a server for it."""
        self.asked.append("code")
        return grpc.StatusCode.CANCELLED

    @property
    def _code(self) -> grpc.StatusCode:
        self.asked.append("_code")
        return grpc.StatusCode.CANCELLED

    @property
    def _state(self) -> object:
        self.asked.append("_state")
        return self

    def __getattribute__(self, name: str) -> object:
        """Return an attribute."""
        type(self).asked.append(name)
        return super().__getattribute__(name)


class ForgedCode(grpc.RpcError):
    """Has what is no code where gRPC has one."""

    def __init__(self, code: object) -> None:
        self._code = code


class HostileCode:
    """Raises whatever is asked of it."""

    name = _name_ = value = property(spring)
    __eq__ = __hash__ = __str__ = __bool__ = spring


class OwnExit(Exception):
    """As click's, with a code that raises."""

    __module__, __qualname__ = "click.exceptions", "Exit"
    exit_code: ClassVar[Any] = property(spring)


class OwnMulti(BaseException):
    """As trio's old groups, with what is no list in it."""

    __module__, __qualname__ = "trio", "MultiError"
    exceptions: ClassVar[Any] = property(spring)


class NoList(BaseException):
    """As trio's old groups, with a number in it."""

    __module__, __qualname__ = "trio", "MultiError"
    exceptions: ClassVar[Any] = 7


HOSTILE: list[tuple[Callable[[], BaseException], str, str]] = [
    (hostile, "error", "shop.Hostile"),
    (LyingClass, "error", f"{__name__}.LyingClass"),
    (RaisingInstance, "error", f"{__name__}.RaisingInstance"),
    (Slotted, "error", f"{__name__}.Slotted"),
    (OddModule, "error", "OddModule"),
    (PropertyModule, "error", "PropertyModule"),
    (TextModule, "error", "shop.TextModule"),
    (Surrogate, "error", f"{__name__}.Sur?rogate"),
    (lambda: RaisingGroup("", [TimeoutError()]), "timeout", "TimeoutError"),
    (lambda: ExceptionGroup("", [RaisingGroup("", [KeyError()])]), "error", "KeyError"),
    (lambda: RaisingExit(0), "success", ""),
    (lambda: RaisingExit(4), "error", f"{__name__}.RaisingExit"),
    (OwnCode, "error", "grpc.RpcError"),
    (CountedCode, "error", f"{__name__}.CountedCode"),
    (lambda: ForgedCode(HostileCode()), "error", f"{__name__}.ForgedCode"),
    (lambda: ForgedCode("CANCELLED"), "error", f"{__name__}.ForgedCode"),
    (lambda: ForgedCode(1), "error", f"{__name__}.ForgedCode"),
    (OwnExit, "error", "click.exceptions.Exit"),
    (OwnMulti, "error", "trio.MultiError"),
    (NoList, "error", "_OTHER"),
]


@pytest.mark.parametrize(("make", "outcome", "error_type"), HOSTILE)
@pytest.mark.parametrize("decorate", [agent, tool])
def test_the_host_gets_its_exception(
    make: Callable[[], BaseException],
    outcome: str,
    error_type: str,
    decorate: Callable[[Any], Any],
    said: Said,
) -> None:
    """The very exception reaches the host, and the span says what can be known of it."""
    exception = make()

    @decorate
    def work() -> None:
        raise exception

    caught: BaseException | None = None
    try:
        work()
    except BaseException as raised:  # noqa: BLE001 - whatever it is
        caught = raised
    assert caught is exception
    found = said()
    assert found["marketplace.outcome"] == outcome
    assert found.get("error.type", "") == error_type


def test_no_code_of_a_strangers_exception_is_asked() -> None:
    """What gRPC's own classes keep is read; nothing of a class derived from them is run."""
    CountedCode.asked.clear()
    assert outcomes.classify(CountedCode())[0] == "error"
    assert not CountedCode.asked
    assert outcomes.classify(ForgedCode(grpc.StatusCode.CANCELLED))[0] == "cancelled"


@pytest.mark.parametrize("code", ["CANCELLED", "DEADLINE_EXCEEDED", "UNAVAILABLE", None])
@pytest.mark.parametrize(
    "kind", ["_InactiveRpcError", "_MultiThreadedRendezvous", "_SingleThreadedRendezvous"]
)
def test_codes_of_a_call_of_grpc(kind: str, code: str | None) -> None:
    """The state of a call has its code in grpcio 1.85; one under way has none."""
    channel = importlib.import_module("grpc._channel")
    known = None if code is None else grpc.StatusCode[code]
    made = getattr(channel, kind)
    error = made.__new__(made)
    error._call = Mock()  # noqa: SLF001 - what one under way cancels when it goes
    error._state = channel._RPCState((), (), (), known, "")  # noqa: SLF001 - as its ``__init__``
    expected = {"CANCELLED": "cancelled", "DEADLINE_EXCEEDED": "timeout"}.get(str(code), "error")
    assert outcomes.classify(error)[0] == expected


def test_a_call_of_grpc_that_ends(said: Said) -> None:
    """A real call of a real server's, which nobody answers in time, is a timeout."""
    with grpc.insecure_channel("127.0.0.1:1") as channel:
        opened: Any = channel

        @agent
        def work() -> None:
            opened.unary_unary("/any/Call")(b"", timeout=_SOON, wait_for_ready=True)

        with pytest.raises(grpc.RpcError):
            work()
    assert said()["marketplace.outcome"] == "timeout"


def test_a_hostile_exception_may_be_named_as_the_failure(said: Said) -> None:
    """``fail()`` takes any exception, as raising does."""

    @agent
    def work() -> None:
        current_invocation().fail(RaisingInstance())

    work()
    assert said()["error.type"] == f"{__name__}.RaisingInstance"


def test_classes_are_looked_at_once_and_not_kept() -> None:
    """A class made at run time goes when the host lets it go, and its id may mean another."""
    before = len(outcomes._known)  # noqa: SLF001 - what must not grow
    for number in range(50):
        base = TimeoutError if number % 2 else ValueError
        kind = type(f"Made{number}", (base,), {})
        assert outcomes.classify(kind())[0] == ("timeout" if number % 2 else "error")
        known = outcomes._known[id(kind)]  # noqa: SLF001 - decided once
        assert outcomes.classify(kind())[0] == known.outcome
        assert outcomes._known[id(kind)] is known  # noqa: SLF001 - decided once
        gone = weakref.ref(kind)
        del kind
        gc.collect()
        assert gone() is None
    assert len(outcomes._known) <= before + 2  # noqa: SLF001 - what must not grow
