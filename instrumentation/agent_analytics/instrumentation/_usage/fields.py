"""Numbers, names and lists in what values of strangers hold; nothing of theirs is run."""

from collections.abc import Iterator
from typing import Any, Final, cast

from agent_analytics.instrumentation._api.checks import MAX_TEXT, MAX_TOKENS
from agent_analytics.instrumentation._strangers.plain_data import is_plain, plain
from agent_analytics.instrumentation.exact import exact
from agent_analytics.instrumentation.spellings import Path

#: A longer list is no list of the calls of one answer.
_MOST_ITEMS: Final = 1_000
#: More items are no wrapping.
_WIDEST: Final = 4


def whole(value: object) -> int | None:
    """Return a number of tokens: a whole number, also as a float, or a list of them summed."""
    found: Any = exact(value)
    kind = cast("object", type(found))
    if kind is int:
        return found if 0 <= found <= MAX_TOKENS else None
    if kind is float:
        return int(found) if found.is_integer() and 0 <= found <= MAX_TOKENS else None
    if kind is list:
        listed = cast("list[object]", found)
        if not 0 < len(listed) <= _MOST_ITEMS:
            return None
        counts = [None if type(one) is list else whole(one) for one in listed]
        return None if None in counts else sum(one or 0 for one in counts)
    return None


def count(source: object, path: Path) -> int | None:
    """Return the number of tokens at the end of a path through plain data."""
    for key in path:
        if is_plain(source):
            return None
        source = plain(source, key)
    return whole(source)


def text(value: object) -> str | None:
    """Return a name as it may be recorded, or ``None``."""
    found = exact(value)
    return found if type(found) is str and 0 < len(found) <= MAX_TEXT else None


def word(source: object, key: str) -> str | None:
    """Return the text that is held as plain data under a name, or ``None``."""
    return text(plain(source, key))


def items(value: object) -> Iterator[object]:
    """Yield what a list holds that may have fields."""
    kind = type(value)
    if kind is list or kind is tuple:
        for one in cast("list[object]", value)[:_MOST_ITEMS]:
            if not is_plain(one):
                yield one


def unwrapped(value: object) -> object:
    """Return what may have fields: the value, or the first such thing in tuples; else ``None``.

    LangGraph hands out pairs of a chunk and where it comes from, and puts more round them.
    """
    if not is_plain(value):
        return value
    if type(value) is tuple:
        for item in cast("tuple[object, ...]", value)[:_WIDEST]:
            found = item
            if type(item) is tuple:
                found = _once_more(cast("tuple[object, ...]", item))
            if not is_plain(found):
                return found
    return None


def _once_more(inner: tuple[object, ...]) -> object:
    return next((item for item in inner[:_WIDEST] if not is_plain(item)), None)
