"""Times as Prometheus says them, and as sentences of a report do."""

import math
from datetime import UTC, datetime
from typing import Final

#: The zero time, by which Prometheus says "never".
_FIRST_YEAR: Final = 1970


def utc(seconds: float) -> datetime:
    """Return a Unix time as a time of UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def time_of(value: object) -> datetime | None:
    """Return the time (UTC) in an answer; None for never, or for what is no time."""
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value)
    except ValueError:
        return None
    if time.year < _FIRST_YEAR:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)


def clock(seconds: float) -> str:
    """Return the minute in which a Unix time is over."""
    return f"{utc(math.ceil(seconds / 60) * 60):%H:%M}"
