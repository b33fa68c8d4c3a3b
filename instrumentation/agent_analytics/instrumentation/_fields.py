"""Reads fields of values of strangers, without running anything of theirs where that can be.

What is new here is read as plain data alone: keys of mappings, what an object holds in its
``__dict__`` or its slots. No property is evaluated and no ``__getattr__`` is asked: those may warn,
reach out to a network, or end the process.
"""

from collections.abc import Iterator, Mapping
from types import GetSetDescriptorType, MemberDescriptorType, NoneType
from typing import Any, Final, NamedTuple, cast

from agent_analytics.instrumentation._checks import MAX_TEXT, MAX_TOKENS
from agent_analytics.instrumentation.spellings import Path

#: Exact types that carry no fields: the early way out for most results and chunks.
PLAIN: Final = frozenset(
    {str, bytes, bytearray, int, float, complex, bool, NoneType, list, tuple, set, frozenset}
)
#: What pydantic keeps beside the fields that a model declares.
_EXTRA: Final = "__pydantic_extra__"
#: What the class of a protocol buffer has: its fields are data, though read as attributes.
_MESSAGE: Final = "DESCRIPTOR"
#: A longer list is no list of the calls of one answer.
_MOST_ITEMS: Final = 1_000


#: More items are no wrapping.
_WIDEST: Final = 4


class _Sample(NamedTuple):
    field: int = 0


_SAMPLE: Final[object] = _Sample.__dict__["field"]
_SLOTS: Final[tuple[type, ...]] = (MemberDescriptorType, type(_SAMPLE))


def plain(source: object, key: str) -> object:
    """Return what a mapping or an object holds as plain data under a name, or ``None``."""
    if isinstance(source, Mapping):
        return cast("Mapping[object, object]", source).get(key)
    held = _held(source)
    if held is not None and key in held:
        return held[key]
    found = _slot(source, key)
    if found is None:
        extra = _slot(source, _EXTRA)
        if type(extra) is dict:
            return cast("dict[str, object]", extra).get(key)
        if _MESSAGE in type(source).__dict__:
            return getattr(source, key, None)
    return found


def held(source: object) -> Mapping[str, object] | None:
    """Return what a mapping or an object holds as plain data, or ``None``."""
    if isinstance(source, Mapping):
        return cast("Mapping[str, object]", source)
    return _held(source)


def _held(source: object) -> dict[str, object] | None:
    """Return the ``__dict__`` of an object, past whatever its class made of that name."""
    for base in type(source).__mro__:
        found = base.__dict__.get("__dict__")
        if isinstance(found, (GetSetDescriptorType, MemberDescriptorType)):
            held: Any = found.__get__(source)
            return cast("dict[str, object]", held) if type(held) is dict else None
    return None


def _slot(source: object, key: str) -> object:
    for base in type(source).__mro__:
        found = base.__dict__.get(key)
        if found is not None:
            descriptor: Any = found
            try:
                return descriptor.__get__(source) if isinstance(found, _SLOTS) else None
            except AttributeError:
                return None  # a slot that nothing was put into
    return None


def field(source: object, key: str) -> object:
    """Return what is found under a name, be it by a property; for names that were ever read so."""
    if isinstance(source, Mapping):
        return cast("Mapping[object, object]", source).get(key)
    return getattr(source, key, None)


def whole(value: object) -> int | None:
    """Return a number of tokens: a whole number, also as a float, or a list of them summed."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return int(value) if 0 <= value <= MAX_TOKENS else None
    if type(value) is float:
        return int(value) if value.is_integer() and 0 <= value <= MAX_TOKENS else None
    if type(value) is list:
        listed = cast("list[object]", value)
        if not 0 < len(listed) <= _MOST_ITEMS:
            return None
        counts = [None if type(one) is list else whole(one) for one in listed]
        return None if None in counts else sum(one or 0 for one in counts)
    return None


def count(source: object, path: Path) -> int | None:
    """Return the number of tokens at the end of a path through plain data."""
    for key in path:
        if type(source) in PLAIN:
            return None
        source = plain(source, key)
    return whole(source)


def text(value: object) -> str | None:
    """Return a name as it may be recorded, or ``None``."""
    return value if isinstance(value, str) and 0 < len(value) <= MAX_TEXT else None


def items(value: object) -> Iterator[object]:
    """Yield what a list holds that may have fields."""
    if type(value) in (list, tuple):
        for one in cast("list[object]", value)[:_MOST_ITEMS]:
            if type(one) not in PLAIN:
                yield one


def unwrapped(value: object) -> object:
    """Return what may have fields: the value, or the first such thing in tuples; else ``None``.

    LangGraph hands out pairs of a chunk and where it comes from, and puts more round them.
    """
    kind = type(value)
    if kind not in PLAIN:
        return value
    if kind is tuple:
        for item in cast("tuple[object, ...]", value)[:_WIDEST]:
            found = item
            if type(item) is tuple:
                found = _once_more(cast("tuple[object, ...]", item))
            if type(found) not in PLAIN:
                return found
    return None


def _once_more(inner: tuple[object, ...]) -> object:
    return next((item for item in inner[:_WIDEST] if type(item) not in PLAIN), None)
