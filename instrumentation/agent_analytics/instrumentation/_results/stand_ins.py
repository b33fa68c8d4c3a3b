"""Stand-ins for iterators whose class cannot be changed: those that are written in C."""

# ruff: noqa: ANN401 - what passes through a stand-in is of any type

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, dropwhile, islice, takewhile
from typing import Any, Final

from agent_analytics.instrumentation._strangers.methods import method_of
from agent_analytics.instrumentation._strangers.plain_data import defined, namespaces

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

#: By ``id()`` of the class, which is kept: a metaclass may have made anything of its hash.
_classes: Final[dict[int, tuple[type, type]]] = {}
#: Past whatever a metaclass has made of the names.
_module: Final[Any] = type.__dict__["__module__"].__get__
_name: Final[Any] = type.__dict__["__name__"].__get__
_qualified_name: Final[Any] = type.__dict__["__qualname__"].__get__


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


def _text(found: object, otherwise: str) -> str:
    return found if type(found) is str else otherwise


def _class_of(kind: type) -> type:
    found = _classes.get(id(kind))
    if found is None:
        name = _text(_name(kind), _StandIn.__name__)
        namespace: dict[str, Any] = {
            "__slots__": (),
            "__class__": property(lambda _: kind),
            "__doc__": defined(kind, "__doc__"),
            "__module__": _text(_module(kind), __name__),
            "__qualname__": _text(_qualified_name(kind), name),
        }
        for special in {each for names in namespaces(kind) for each in names if type(each) is str}:
            if (special.startswith("__") and special not in _OWN) or special in {"close", "aclose"}:
                method = method_of(kind, special)
                if method is not None:
                    namespace[special] = _forward(method)
        if len(_classes) >= _MAX_CLASSES:
            _classes.clear()
        found = _classes[id(kind)] = (kind, type(name, (_StandIn,), namespace))
    return found[1]


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
_SAME_TYPE: Final[dict[int, Callable[[Iterator[object]], object]]] = {
    id(map): partial(map, _as_it_is),
    id(filter): partial(filter, _always),
    id(chain): chain,
    id(islice): lambda iterator: islice(iterator, None),
    id(takewhile): partial(takewhile, _always),
    id(dropwhile): partial(dropwhile, _never),
    id(type(iter(int, 1))): _called,
}


def dressed(iterator: Any, kind: type) -> Any:
    """Return the stand-in of an iterator as an iterator of the exact type, where there is a way."""
    make = _SAME_TYPE.get(id(kind))
    return iterator if make is None else make(iterator)
