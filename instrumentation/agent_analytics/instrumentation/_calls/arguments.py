"""What tools are called with, told apart without keeping it, and how large what they return is.

Arguments and results are content: neither is kept, and none of their text goes anywhere. Of
arguments a number of 64 bits is remembered as long as their invocation lasts; of a result its bytes
are counted. Values are whatever a model, a framework or a stranger's library made, so only those of
exactly Python's own types are looked at, and nothing that a class defines is run.
"""

from collections.abc import Iterable
from operator import itemgetter
from typing import Any, Final, cast

#: Characters of the arguments of a call that is compared with others, at most: texts count as long
#: as they are, anything else as 8.
MOST: Final = 4_096
#: Different calls of one invocation that are remembered; later ones are compared with these.
MOST_CALLS: Final = 256
_PLAIN: Final = 8
#: How deep lists and dictionaries may lie in each other.
_DEEPEST: Final = 32
_GIVEN_UP: Final = -1
#: Characters of a text that is looked at for its bytes; a longer one has a byte each at least.
_MOST_ENCODED: Final = 1 << 20


def fingerprint(
    name: str, args: tuple[object, ...], kwargs: dict[str, object], *, receiver: bool
) -> int | None:
    """Return a number that calls of a tool with the same arguments share.

    Args:
        name: The tool.
        args: Its arguments by position.
        kwargs: Those by name.
        receiver: Whether the first is the object or the class whose method the tool is: another
            object's is another call.

    Returns:
        ``None`` where the arguments are not plain JSON or too long; such a call is compared with
        no other.
    """
    # Lengths stand in front of texts: no two calls are written alike.
    parts = [f"{len(name)}:{name}"]
    room = MOST
    try:
        for value in args:
            if receiver:
                receiver = False
                parts.append(f"@{id(value)}")
                continue
            room = _write(value, parts, room, _DEEPEST)
            if room < 0:
                return None
        if kwargs:
            parts.append("*")
            if _write(kwargs, parts, room, _DEEPEST) < 0:
                return None
        return hash("".join(parts))
    except Exception:  # noqa: BLE001 - changed by another thread meanwhile, or no memory
        return None


def _write(  # noqa: C901 - one step for each type
    value: Any,  # noqa: ANN401 - of any type
    parts: list[str],
    room: int,
    deeper: int,
) -> int:
    """Write a value as a text; return the characters that are left, negative to give up."""
    kind = type(cast("object", value))
    if kind is str:
        size = len(value)
        if size <= room:
            parts.append(f'"{size}:{value}')
        return room - size
    room -= _PLAIN
    if room < 0:
        return _GIVEN_UP
    if value is None or value is True or value is False:
        parts.append(f"!{value}")
    elif kind is int:
        size = int.bit_length(value) // 3
        if size <= room:
            parts.append(f"#{value:x}")
        room -= size
    elif kind is float:
        parts.append(f"~{value!r}")
    elif not deeper:
        room = _GIVEN_UP
    elif kind is list or kind is tuple:
        room = _write_all("[", cast("list[Any]", value), parts, room, deeper - 1)
    elif kind is dict and _PLAIN * len(value) <= room:
        # Copied: another thread may change it, and a key that is no text may have an equality.
        items = list(cast("dict[Any, Any]", value).items())
        if any(type(key) is not str for key, _ in items):
            return _GIVEN_UP
        items.sort(key=itemgetter(0))
        room = _write_all("{", (each for item in items for each in item), parts, room, deeper - 1)
    else:
        room = _GIVEN_UP
    return room


def _write_all(
    opening: str, values: Iterable[object], parts: list[str], room: int, deeper: int
) -> int:
    """Write what a list or a dictionary holds; return as ``_write`` does."""
    parts.append(opening)
    for each in values:
        room = _write(each, parts, room, deeper)
        if room < 0:
            break
    parts.append("]")
    return room


def is_repeated(known: dict[int, int], call: int, began: int) -> bool:
    """Remember a call of an invocation; tell whether there was the same before.

    Args:
        known: Calls of the invocation, by what tells them apart; of several threads.
        call: What tells this one apart.
        began: When it began: an object of its own, by which the first is known again.
    """
    if len(known) >= MOST_CALLS:
        return call in known
    return known.setdefault(call, began) is not began


def bytes_of(result: object) -> int | None:
    """Return how many bytes a text (as UTF-8) or bytes have; ``None`` for anything else.

    Of a text beyond 2**20 characters that is not ASCII: its characters, which are no more.
    """
    kind = type(result)
    if kind is bytes:
        return len(cast("bytes", result))
    if kind is not str:
        return None
    text = cast("str", result)
    if text.isascii() or len(text) > _MOST_ENCODED:
        return len(text)
    return len(text.encode("utf-8", "surrogatepass"))
