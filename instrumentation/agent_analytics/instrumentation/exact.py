"""Texts and numbers as Python's own classes have them, whatever class they come in.

Members of an enumeration of texts and NumPy's numbers are of classes of their own, and are the text
and the number. A class may also have a hash and an equality that make its text count as another's,
or methods that end the program. Nothing that a class defines is run here.
"""

from collections.abc import Mapping
from typing import Any, Final, cast

_EXACT: Final = frozenset((str, int, float, bool, type(None)))
#: By identity: a class of a stranger's may have a hash that a metaclass gives it.
_EXACT_IDS: Final = frozenset(map(id, _EXACT))
_EXACTLY: Final = (
    (str, str.__str__),
    (int, int.__int__),
    (float, float.__float__),
)
_are_exact: Final = _EXACT.issuperset
_are_text: Final = frozenset((str,)).issuperset


def exact(value: object) -> Any:  # noqa: ANN401 - the same value, of whatever type
    """Return a text or a number as one of Python's own type; anything else as it is."""
    kind = type(value)
    if id(kind) in _EXACT_IDS:
        return value
    for base, made in _EXACTLY:
        if issubclass(kind, base):
            return cast("Any", made)(value)
    return value


def exact_text(value: object) -> str | None:
    """Return a text as one of Python's own type, or ``None``."""
    found = exact(value)
    return found if type(found) is str else None


def are_exact(attributes: Mapping[str, object]) -> bool:
    """Tell whether all keys are texts and all values texts or numbers of Python's own types.

    For a thread of whoever has set the attributes: their classes are hashed, which is quick, and
    runs a metaclass that has a hash of its own.
    """
    values = attributes.values()
    return (_are_exact(map(type, values)) or all(map(_holds_exact, values))) and _are_text(
        map(type, attributes)
    )


def _holds_exact(value: object) -> bool:
    kind = type(value)
    return id(kind) in _EXACT_IDS or (
        kind is tuple and _are_exact(map(type, cast("tuple[object, ...]", value)))
    )


def exact_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes with keys, values and what these hold, of Python's own types."""
    return {str.__str__(key): _exact_value(value) for key, value in attributes.items()}


def _exact_value(value: object) -> Any:  # noqa: ANN401 - of whatever type
    if type(value) is tuple or type(value) is list:
        return tuple(map(_exact_value, cast("tuple[object, ...]", value)))
    if type(value) is dict:  # since 1.40 of the SDK: lists in lists, and mappings
        held = cast("dict[object, object]", value)
        return {
            str.__str__(cast("str", key)): _exact_value(each)
            for key, each in held.items()
            if issubclass(type(key), str)
        }
    return exact(value)
