"""What stands for a decorated object: all that the object can do, its calls recorded.

A function wraps a function. An object that is called (a partial, an instance with ``__call__``)
can do more than that: it has state, operators, methods. What stands for it hands all of that on to
the object itself, which others may hold, too.
"""

# ruff: noqa: ANN401 - what is decorated is of any type

import copy
from collections.abc import Callable
from functools import lru_cache
from types import (
    BuiltinFunctionType,
    FunctionType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    WrapperDescriptorType,
)
from typing import Any, Final, cast

#: Of these a function makes a whole; the type of cached functions has no public name.
_FUNCTIONS: Final = (
    FunctionType,
    BuiltinFunctionType,
    MethodType,
    MethodDescriptorType,
    MethodWrapperType,
    WrapperDescriptorType,
    type(lru_cache(int)),
)
#: What a stand-in has of its own, or Python looks for in no object's type.
_OWN: Final = frozenset(
    {
        "__call__", "__class__", "__class_getitem__", "__copy__", "__deepcopy__", "__del__",
        "__delattr__", "__dir__", "__eq__", "__get__", "__getattr__", "__getattribute__",
        "__getstate__", "__hash__", "__init__", "__init_subclass__", "__new__", "__reduce__",
        "__reduce_ex__", "__setattr__", "__setstate__", "__subclasshook__",
    }
)  # fmt: skip
_NAMES: Final = frozenset({"__name__", "__qualname__"})


def _type(target: Any) -> Any:
    kind: Any = cast("object", type(target))
    return kind


def is_function(target: Any) -> bool:
    """Tell whether a function makes up for ``target``: it is one, compiled ones included."""
    return isinstance(target, _FUNCTIONS) or hasattr(_type(target), "__code__")


def keep_abilities(wrapper: Any, target: Any) -> None:
    """Give a wrapper what a function can do beside being called, such as clearing its cache."""
    if isinstance(target, FunctionType):
        return  # all that it has is in its ``__dict__``
    for name in dir(_type(target)):
        if not name.startswith("__") and not hasattr(wrapper, name):
            setattr(wrapper, name, getattr(target, name))


class CalledObject:
    """Does what an object does; each object has a class of its own, made by ``called_object``."""

    __slots__ = ("__weakref__", "__wrapped__")
    __wrapped__: Any

    def __getattr__(self, name: str) -> Any:
        """Return what the object has under a name."""
        target: Any = object.__getattribute__(self, "__wrapped__")
        if name in _NAMES and not hasattr(target, name):
            return _type(target).__name__
        return getattr(target, name)

    def __setattr__(self, name: str, value: object) -> None:
        """Set it on the object."""
        setattr(self.__wrapped__, name, value)

    def __delattr__(self, name: str) -> None:
        """Delete it from the object."""
        delattr(self.__wrapped__, name)

    def __dir__(self) -> list[str]:
        """List what the object has."""
        return dir(self.__wrapped__)

    def __eq__(self, other: object) -> bool:
        """Compare the object."""
        another: Any = other
        found: bool = self.__wrapped__ == (
            another.__wrapped__ if issubclass(_type(other), CalledObject) else other
        )
        return found

    def __hash__(self) -> int:
        """Return the hash of the object."""
        return hash(self.__wrapped__)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle the object: who loads it decorates it where it is to be recorded."""
        return self.__wrapped__.__reduce_ex__(protocol)


def called_object(target: Any, call: Callable[..., Any] | None, again: Callable[[Any], Any]) -> Any:
    """Return what stands for an object.

    Args:
        target: The object.
        call: What records a call and makes it; ``None`` for an object that is not called itself.
        again: Instruments another object alike: a copy, or what the object is bound to.
    """
    kind = _type(target)
    body: dict[str, Any] = {
        "__slots__": (),
        "__doc__": getattr(target, "__doc__", None),
        "__module__": kind.__module__,
        "__class__": property(_class_of),
        "__copy__": _copy(again),
        "__deepcopy__": _copy_deeply(again),
    }
    if call is not None:
        body["__call__"] = staticmethod(call)
    if hasattr(kind, "__get__"):
        body["__get__"] = _bind(again)
    ancestry: tuple[type[object], ...] = kind.__mro__
    for each in ancestry[:-1]:
        held: dict[str, object] = dict(vars(each))
        for name, found in held.items():
            special = name.startswith("__") and name.endswith("__") and callable(found)
            if special and name not in _OWN and name not in body:
                body[name] = _hand_on(name)
    made = type(kind.__name__, (CalledObject,), body)
    stand: Any = object.__new__(made)
    object.__setattr__(stand, "__wrapped__", target)
    return stand


def _class_of(stand: Any) -> Any:
    return stand.__wrapped__.__class__


def _copy(again: Callable[[Any], Any]) -> Callable[..., Any]:
    def copy_object(self: Any) -> Any:
        return again(copy.copy(self.__wrapped__))

    return copy_object


def _copy_deeply(again: Callable[[Any], Any]) -> Callable[..., Any]:
    def copy_object(self: Any, memo: Any) -> Any:
        return again(copy.deepcopy(self.__wrapped__, memo))

    return copy_object


def _hand_on(name: str) -> Callable[..., Any]:
    def hand_on(self: Any, *args: Any, **kwargs: Any) -> Any:
        target = self.__wrapped__
        found: Any = getattr(_type(target), name)(target, *args, **kwargs)
        return self if found is target else found

    return hand_on


def _bind(again: Callable[[Any], Any]) -> Callable[..., Any]:
    def bind(self: Any, owner: Any, kind: Any = None) -> Any:
        target = self.__wrapped__
        bound: Any = _type(target).__get__(target, owner, kind)
        return self if bound is target else again(bound)

    return bind
