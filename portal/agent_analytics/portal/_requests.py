"""What the page asks, read from JSON that anybody may have written."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from starlette.requests import Request

_MOST_BYTES: Final = 64 << 10
_MOST_PIXELS: Final = 4_000
_LATEST: Final = 4_102_444_800.0


class Wrong(ValueError):  # noqa: N818 - reads as what has happened
    """What was asked cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What every question names.

    Attributes:
        dashboard: The uid of a dashboard.
        variables: Values by the name of a variable.
        start: Unix time at which the range begins.
        end: Unix time at which it ends.
        points: How many points can be told apart.
        rest: All that was given.
    """

    dashboard: str
    variables: Mapping[str, tuple[str, ...]]
    start: float
    end: float
    points: int
    rest: Mapping[str, Any]

    def text(self, name: str) -> str:
        """Return a text that was given.

        Raises:
            Wrong: It was not.
        """
        return _text(self.rest.get(name), name)

    def number(self, name: str) -> int:
        """Return a whole number that was given.

        Raises:
            Wrong: It was not.
        """
        value = self.rest.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            message = f"{name} is to be a whole number"
            raise Wrong(message)
        return value


async def read(request: Request) -> Asked:
    """Return what a request asks.

    Raises:
        Wrong: It cannot be read.
    """
    # A form of another site cannot have this type.
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        message = "questions are application/json"
        raise Wrong(message)
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _MOST_BYTES:
            message = f"a question has {_MOST_BYTES} bytes at most"
            raise Wrong(message)
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        message = "a question is an object of JSON"
        raise Wrong(message)
    given = cast("dict[str, Any]", document)
    start, end = _time(given.get("from"), "from"), _time(given.get("to"), "to")
    if end <= start:
        message = "a range begins before it ends"
        raise Wrong(message)
    points = given.get("points", 1)
    if not isinstance(points, int) or not 1 <= points <= _MOST_PIXELS:
        message = f"points are 1 to {_MOST_PIXELS}"
        raise Wrong(message)
    return Asked(
        _text(given.get("dashboard"), "dashboard"),
        _variables(given.get("variables", {})),
        start,
        end,
        points,
        given,
    )


def _variables(value: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        message = "variables are an object of lists of texts"
        raise Wrong(message)
    found: dict[str, tuple[str, ...]] = {}
    for name, values in cast("dict[str, object]", value).items():
        if not isinstance(values, list):
            message = f"variable {name} is to be a list of texts"
            raise Wrong(message)
        found[name] = tuple(_text(each, name) for each in cast("list[object]", values))
    return found


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value.isprintable():
        # Half of a surrogate pair is not printable, either, and no label has one.
        message = f"{name} is to be a printable text"
        raise Wrong(message)
    return value


def _time(value: object, name: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        time = float(value) if abs(value) < _LATEST else math.inf
        if 0 < time < _LATEST:
            return time
    message = f"{name} is to be a Unix time"
    raise Wrong(message)
