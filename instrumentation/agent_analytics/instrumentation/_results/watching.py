"""The objects that calls last as long as, and their steps."""

# ruff: noqa: ANN401 - what passes through an object is of any type

from collections.abc import Awaitable, Callable, Generator
from types import CoroutineType, GeneratorType
from typing import Any, Final, NamedTuple, cast

from agent_analytics.instrumentation._results.carried import Carried
from agent_analytics.instrumentation._strangers.methods import Method


class Watch(NamedTuple):
    """An object that a call lasts as long as.

    Attributes:
        reference: A weak reference to it; None where its class allows none.
        carried: The call; what steps of it run in.
        inside: Not empty while a step is taken: what is called meanwhile is part of that step.
        manager: Whether it is there to be entered: the call ends well where it is left.
    """

    reference: Callable[[], object] | None
    carried: Carried
    inside: list[bool]
    manager: bool


#: What is watched, by identity: equality and hash of a stranger's object may be anything.
watched: Final[dict[int, Watch]] = {}


def watch_of(instance: object) -> Watch | None:
    """Return what waits for the object, unless a step of it is under way."""
    found = watched.get(id(instance))
    if found is None or found.inside:
        return None
    if found.reference is not None and found.reference() is not instance:
        return None
    if found.carried.call.ended:
        watched.pop(id(instance), None)
        return None
    return found


def take_step(found: Watch, function: Method, *args: Any, **kwargs: Any) -> Any:
    """Take a step; methods of the object that are called meanwhile belong to it."""

    def run() -> Any:
        found.inside.append(True)
        try:
            return function(*args, **kwargs)
        finally:
            found.inside.pop()

    return found.carried.step(run)


class Steps:
    """Steps of an object, as those of ``Carried``; it and its iterators share them."""

    __slots__ = ("_found", "chunk", "failed", "left")

    def __init__(self, found: Watch) -> None:
        self._found = found
        carried = found.carried
        self.chunk = carried.chunk
        self.failed = carried.failed
        self.left = carried.left

    def over(self, _result: object) -> None:
        """End the call with the object, which may say its usage by now."""
        reference = self._found.reference
        self._found.carried.over(None if reference is None else reference())

    def step(self, function: Method, *args: Any) -> Any:
        """Call ``function`` as a part of the step."""
        return take_step(self._found, function, *args)


def drive(awaitable: object) -> Any:
    """Return what an awaitable is driven by: something with ``send``, ``throw`` and ``close``."""
    kind = type(awaitable)
    if kind is CoroutineType:
        return awaitable
    if kind is GeneratorType:  # of types.coroutine
        return awaitable
    iterator = cast("Awaitable[Any]", awaitable).__await__()
    if hasattr(iterator, "send") and hasattr(iterator, "throw") and hasattr(iterator, "close"):
        return iterator

    def steps() -> Generator[Any, Any, Any]:
        return (yield from iterator)

    return steps()


class Awaited:
    """An awaitable of an iterator that was asked for already."""

    __slots__ = ("_iterator",)

    def __init__(self, iterator: Any) -> None:
        self._iterator = iterator

    def __await__(self) -> Any:
        return self._iterator
