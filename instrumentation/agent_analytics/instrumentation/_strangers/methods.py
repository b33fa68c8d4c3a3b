"""Methods of strangers' classes, looked up and replaced without running anything of theirs.

A metaclass may have made anything of ``getattr``, ``setattr``, ``dir`` and hashing for its classes,
and a descriptor anything of being looked up. What has to run does so when the host calls it.
"""

# ruff: noqa: ANN401 - what passes through a method is of any type

from collections.abc import Callable, Mapping
from functools import partialmethod
from types import (
    CoroutineType,
    FunctionType,
    GeneratorType,
    MethodDescriptorType,
    WrapperDescriptorType,
)
from typing import Any, Final, cast

from agent_analytics.instrumentation._strangers.plain_data import defined

Method = Callable[..., Any]

#: Called with the instance first, as they are.
_SIMPLE: Final = frozenset(map(id, (FunctionType, MethodDescriptorType, WrapperDescriptorType)))
#: Methods that cannot be called themselves.
_BINDING: Final = frozenset(map(id, (classmethod, partialmethod)))
#: ``CO_ITERABLE_COROUTINE``: generators of ``types.coroutine``.
_ITERABLE_COROUTINE: Final = 0x100


def method_of(kind: type, name: str) -> Method | None:
    """Return the method of a class as a function of the instance, or None where it has none."""
    raw: Any = defined(kind, name)
    exact = cast("type[object]", type(raw))
    if id(exact) in _SIMPLE:
        return cast("Method", raw)
    if not callable(raw) and id(exact) not in _BINDING:
        return None
    bind: Any = defined(exact, "__get__")

    def bound_late(self: Any, *args: Any, **kwargs: Any) -> Any:
        method = raw if bind is None else bind(raw, self, type(self))
        return method(*args, **kwargs)

    return bound_late


def replace_methods(kind: type, methods: Mapping[str, Method]) -> bool:
    """Give a class other methods, all or none, and tell whether that could be done."""
    for name in methods:
        described = defined(type(kind), name)
        if described is not None and defined(type(described), "__set__") is not None:
            return False  # the metaclass decides what is under that name
    try:
        for name, method in methods.items():
            type.__setattr__(kind, name, method)
    except (TypeError, AttributeError):  # a class of C
        return False
    return True


def is_awaitable(value: object) -> bool:
    """Tell whether a value can be awaited, by its class alone."""
    kind = type(value)
    if kind is GeneratorType:
        code: Any = GeneratorType.__dict__["gi_code"].__get__(value)
        return bool(code.co_flags & _ITERABLE_COROUTINE)
    return kind is CoroutineType or defined(kind, "__await__") is not None
