"""Checks of arguments: each raises a ValueError that names the argument and the value."""

import math
import reprlib
from datetime import UTC, datetime, timedelta
from numbers import Real
from typing import Any, Final, NoReturn, cast

from agent_analytics.instrumentation.exact import exact
from agent_analytics.instrumentation.money import nano_usd

#: Longest id, name or error type in characters.
MAX_TEXT: Final = 200
#: The label of what is beyond a cap, which is nobody's id.
OVERFLOW: Final = "_other"
#: Most tokens in one report; anything above is a mistake of the sender.
MAX_TOKENS: Final = 10**12

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
#: Timestamps travel as unsigned, and are stored by many as signed, 64-bit nanoseconds.
_MAX_NANOSECONDS: Final = 2**63 - 1


def refuse(argument: str, expected: str, value: object) -> NoReturn:
    """Raise the ValueError of every bad argument."""
    msg = f"{argument}: expected {expected}, got {reprlib.repr(value)}"
    raise ValueError(msg)


def text(value: object, argument: str) -> str:
    """Return ``value``, an id or a name: not blank, at most MAX_TEXT characters, valid Unicode."""
    if type(value) is not str:
        value = exact(value)
    if not isinstance(value, str) or not value or len(value) > MAX_TEXT:
        refuse(argument, f"a non-empty string of at most {MAX_TEXT} characters", value)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            refuse(argument, "valid Unicode", value)
    if value.isspace():
        refuse(argument, "a string that is not blank", value)
    return value


def optional_text(value: object, argument: str) -> str | None:
    """Return ``value`` as ``text`` does, or None if it is None."""
    return None if value is None else text(value, argument)


def optional_id(value: object, argument: str) -> str | None:
    """Return the id of a publisher or a listing, which becomes a label, or None if it is None.

    What may be one is what ``configure()`` takes from the environment, too.
    """
    if value is None:
        return None
    found = text(value, argument)
    if not found.isprintable():
        refuse(argument, f"an id of 1 to {MAX_TEXT} printable characters", value)
    if found == OVERFLOW:
        refuse(argument, "another id, for this is what overflows is called", value)
    return found


def usd(value: object, argument: str) -> int:
    """Return an amount in US dollars as nano-dollars."""
    try:
        return nano_usd(value)
    except ValueError as error:
        msg = f"{argument}: {error}"
        raise ValueError(msg) from None


def tokens(value: object, argument: str) -> int:
    """Return a number of tokens."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_TOKENS:
        refuse(argument, f"a whole number from 0 to {MAX_TOKENS}", value)
    return value


def _real(value: object) -> float | None:
    """Return a finite real number of any type as it is, or None."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    found: Any = value
    return cast("float", found) if math.isfinite(found) else None


def number(value: object, argument: str, low: float, high: float) -> float:
    """Return a finite real number from ``low`` to ``high``."""
    found = _real(value)
    if found is None or not low <= found <= high:
        refuse(argument, f"a number from {low:g} to {high:g}", value)
    return float(found)


def flag(value: object, argument: str) -> bool:
    """Return True or False."""
    if not isinstance(value, bool):
        refuse(argument, "True or False", value)
    return value


def nanoseconds(milliseconds: object, argument: str) -> int:
    """Return a duration in milliseconds as whole nanoseconds."""
    found = _real(milliseconds)
    if found is None or not 0 <= found <= _MAX_NANOSECONDS // 1_000_000:
        refuse(argument, "a finite number of milliseconds, 0 or more", milliseconds)
    return found * 1_000_000 if isinstance(found, int) else round(float(found) * 1_000_000)


def moment(value: object, argument: str) -> int:
    """Return an aware datetime as nanoseconds since 1970."""
    if not isinstance(value, datetime) or value.utcoffset() is None:
        refuse(argument, "a datetime with a time zone", value)
    found = (value - _EPOCH) // _MICROSECOND * 1000
    if not 0 <= found <= _MAX_NANOSECONDS:
        refuse(argument, "a time from 1970 to 2262", value)
    return found
