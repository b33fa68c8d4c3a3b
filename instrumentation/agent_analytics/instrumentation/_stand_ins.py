"""Stand-ins for iterators whose class cannot be changed: those that are written in C."""

# ruff: noqa: ANN401 - what passes through a stand-in is of any type

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, dropwhile, islice, takewhile
from typing import Any, Final

_TARGET: Final = "_agent_analytics_target"
#: What a stand-in has of its own.
_OWN: Final = frozenset(
    {
        "__class__",
        "__del__",
        "__delattr__",
        "__dict__",
        "__eq__",
        "__getattr__",
        "__getattribute__",
        "__hash__",
        "__init__",
        "__init_subclass__",
        "__ne__",
        "__new__",
        "__setattr__",
        "__slots__",
        "__subclasshook__",
        "__weakref__",
    }
)
#: Classes made at run time must not be kept alive without bound.
_MAX_CLASSES: Final = 256

_classes: Final[dict[type, type]] = {}


class _StandIn:
    __slots__ = (_TARGET, "__weakref__")

    def __init__(self, target: Any) -> None:
        object.__setattr__(self, _TARGET, target)

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, _TARGET), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(object.__getattribute__(self, _TARGET), name, value)

    def __delattr__(self, name: str) -> None:
        delattr(object.__getattribute__(self, _TARGET), name)


def _forward(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        target = object.__getattribute__(self, _TARGET)
        found = method(target, *args, **kwargs)
        return self if found is target else found

    return call


def _class_of(kind: type) -> type:
    found = _classes.get(kind)
    if found is None:
        namespace: dict[str, Any] = {
            "__slots__": (),
            "__class__": property(lambda _: kind),
            "__doc__": kind.__doc__,
            "__module__": kind.__module__,
            "__qualname__": kind.__qualname__,
        }
        for name in dir(kind):
            if (name.startswith("__") and name not in _OWN) or name in {"close", "aclose"}:
                method = getattr(kind, name)
                if callable(method):
                    namespace[name] = _forward(method)
        if len(_classes) >= _MAX_CLASSES:
            _classes.clear()
        found = _classes[kind] = type(kind.__name__, (_StandIn,), namespace)
    return found


def stand_in(target: object) -> Any:
    """Return what does all that ``target`` does, and passes for it with ``isinstance``."""
    return _class_of(type(target))(target)


def _as_it_is(item: object) -> object:
    return item


def _always(_: object) -> bool:
    return True


def _never(_: object) -> bool:
    return False


def _called(iterator: Iterator[object]) -> Iterator[object]:
    return iter(partial(next, iterator), object())


#: Iterators of exactly these types can be made anew round a stand-in, so they keep their type.
_SAME_TYPE: Final[dict[type, Callable[[Iterator[object]], object]]] = {
    map: partial(map, _as_it_is),
    filter: partial(filter, _always),
    chain: chain,
    islice: lambda iterator: islice(iterator, None),
    takewhile: partial(takewhile, _always),
    dropwhile: partial(dropwhile, _never),
    type(iter(int, 1)): _called,
}


def dressed(iterator: Any, kind: type) -> Any:
    """Return the stand-in of an iterator as an iterator of the exact type, where there is a way."""
    make = _SAME_TYPE.get(kind)
    return iterator if make is None else make(iterator)
