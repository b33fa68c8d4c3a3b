"""The decorators ``agent`` and ``tool``."""

# ruff: noqa: ANN401 - what passes through a decorator is of any type

import inspect
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Protocol, TypeVar, cast, overload

from agent_analytics.instrumentation import exceptions
from agent_analytics.instrumentation._api import checks
from agent_analytics.instrumentation._calls.invocation import Listing, TenantSource
from agent_analytics.instrumentation._calls.tool import ToolRecorder
from agent_analytics.instrumentation._calls.wrapping import Recorder, can_be_wrapped, name_of, wrap

#: Whatever can be decorated; it keeps its exact type.
Target = TypeVar(
    "Target",
    bound="Callable[..., object] | classmethod[Any, ..., object] | staticmethod[..., object]",
)
_DEFAULT_ENTRY = "run"


class Decorator(Protocol):
    """Instruments a callable, or a class, and returns it with its type unchanged."""

    def __call__(self, target: Target, /) -> Target:
        """Return ``target`` instrumented."""
        ...


@overload
def agent(
    target: Target,
    /,
    *,
    publisher_id: str | None = None,
    agent_id: str | None = None,
    name: str | None = None,
    version: str | None = None,
    price_usd: float | str | Decimal | None = None,
    tenant: TenantSource | None = None,
    entry: str | None = None,
    not_errors: Iterable[type[BaseException] | str] = (),
) -> Target: ...


@overload
def agent(
    target: None = None,
    /,
    *,
    publisher_id: str | None = None,
    agent_id: str | None = None,
    name: str | None = None,
    version: str | None = None,
    price_usd: float | str | Decimal | None = None,
    tenant: TenantSource | None = None,
    entry: str | None = None,
    not_errors: Iterable[type[BaseException] | str] = (),
) -> Decorator: ...


def agent(
    target: Any = None,
    /,
    *,
    publisher_id: str | None = None,
    agent_id: str | None = None,
    name: str | None = None,
    version: str | None = None,
    price_usd: float | str | Decimal | None = None,
    tenant: TenantSource | None = None,
    entry: str | None = None,
    not_errors: Iterable[type[BaseException] | str] = (),
) -> Any:
    """Record every call of the decorated callable as an invocation of an agent.

    Works on functions, coroutine functions, generator functions (also asynchronous), methods,
    classmethods and staticmethods (above or below), partials, objects with ``__call__``, and
    classes, whose method ``entry`` is instrumented. A stream lasts from its first step to its end;
    one that nobody finishes reading is cancelled.

    Args:
        target: What is decorated, when the decorator is used without arguments.
        publisher_id: Who built and sells the agent; inherited from the context if None.
        agent_id: The listing; ``name`` if None and a publisher is given, otherwise inherited.
        name: The agent's name; the callable's if None.
        version: The agent's version.
        price_usd: Charged to the tenant when an invocation succeeds, in US dollars.
        tenant: Who uses the agent: an id, or a function called with the arguments of the call. If
            it is None or returns None, the tenant of the context is taken.
        entry: Of a class, the method to instrument; ``run`` if None.
        not_errors: Exceptions by which the agent steers, as classes, with those derived from them,
            or as qualified names: they end a try that was no call, and no failure.

    Raises:
        ValueError: An argument is bad; at decoration.
    """
    _check_tenant(tenant)
    steering = exceptions.given(not_errors)

    def decorate(target: Any) -> Any:
        _check_target(target, entry)
        listing = Listing(
            publisher_id=publisher_id,
            agent_id=agent_id,
            name=_name(name, target),
            version=version,
            price_usd=price_usd,
            tenant=tenant,
            not_errors=steering,
        )
        return _instrument(target, listing, entry)

    if target is None:
        # The same checks that the decorator makes, where the mistake is.
        Listing(
            publisher_id=publisher_id,
            agent_id=agent_id,
            name="" if name is None else checks.text(name, "name"),
            version=version,
            price_usd=price_usd,
            tenant=tenant,
        )
        return decorate
    return decorate(target)


@overload
def tool(
    target: Target,
    /,
    *,
    name: str | None = None,
    failed: Callable[[Any], bool] | None = None,
    not_errors: Iterable[type[BaseException] | str] = (),
) -> Target: ...


@overload
def tool(
    target: None = None,
    /,
    *,
    name: str | None = None,
    failed: Callable[[Any], bool] | None = None,
    not_errors: Iterable[type[BaseException] | str] = (),
) -> Decorator: ...


def tool(
    target: Any = None,
    /,
    *,
    name: str | None = None,
    failed: Callable[[Any], bool] | None = None,
    not_errors: Iterable[type[BaseException] | str] = (),
) -> Any:
    """Record every call of the decorated callable as a tool call of the current invocation.

    Works on the same callables as ``agent``; of a class, the method ``run`` is instrumented.

    Args:
        target: What is decorated, when the decorator is used without arguments.
        name: The tool's name; the callable's if None.
        failed: Tells of a returned value whether it is a failure; if None, one whose ``isError`` or
            ``is_error``, as an attribute or a key, is True.
        not_errors: Exceptions by which the tool steers, as those of an agent.

    Raises:
        ValueError: An argument is bad; at decoration.
    """
    if failed is not None and not callable(failed):
        checks.refuse("failed", "a function of the returned value", failed)
    if name is not None:
        checks.text(name, "name")
    steering = exceptions.given(not_errors)

    def decorate(target: Any) -> Any:
        _check_target(target, None)
        return _instrument(target, ToolRecorder(_name(name, target), failed, steering), None)

    return decorate if target is None else decorate(target)


def _name(name: str | None, target: Any) -> str:
    if name is not None:
        return checks.text(name, "name")
    return name_of(target)[: checks.MAX_TEXT]


def _check_tenant(tenant: object) -> None:
    if tenant is None:
        return
    if not callable(tenant):
        checks.text(tenant, "tenant")
    elif inspect.iscoroutinefunction(tenant) or inspect.isgeneratorfunction(tenant):
        checks.refuse("tenant", "a plain function, or an id", tenant)


def _check_target(target: object, entry: object) -> None:
    if not can_be_wrapped(target):
        checks.refuse("target", "a callable or a class", target)
    if entry is not None and not (isinstance(entry, str) and isinstance(target, type)):
        checks.refuse("entry", "the name of a method, and a class decorated with it", entry)


def _instrument(target: Any, recorder: Recorder, entry: str | None) -> Any:
    if not isinstance(target, type):
        return wrap(target, recorder)
    entry = _DEFAULT_ENTRY if entry is None else entry
    method: object = inspect.getattr_static(target, entry, None)
    if not can_be_wrapped(method):
        checks.refuse("entry", f"the name of a method of {target.__name__}", entry)
    # A base may have instrumented it: the listing that is called is this class's.
    setattr(target, entry, wrap(method, recorder, instead=True))
    return cast("object", target)
