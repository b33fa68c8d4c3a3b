"""Prices from a file of one's own, read again when it changes."""

import json
import logging
import os
import time
from collections.abc import Callable, Iterable
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any, Final, NoReturn, cast

from agent_analytics.processor._prices.hosts import billed_names, is_deployment
from agent_analytics.processor._prices.prices import EXACT, ModelCall, Rates

_logger = logging.getLogger("agent_analytics")

#: Seconds between two looks at the file.
_LOOK_AGAIN: Final = 5.0
_MOST_BYTES: Final = 4 * 1024 * 1024
#: US dollars for a million tokens; more is a mistake of the file's.
_MOST: Final = Decimal(1_000_000)
#: Prices of a model, and which one stands in for one that is left out.
_FIELDS: Final = {
    "input": None,
    "cached": "input",
    "cache_write": "input",
    "output": None,
    "reasoning": "output",
    "cache_write_1h": "cache_write",
}
_ANY: Final = "*"
#: Characters of what is wrong that are shown.
_QUOTED: Final = 60


class FilePrices:
    """Prices from a JSON file: ``{"model": {"input": 2.5, "output": 10, "cached": 1.25}}``.

    Amounts are US dollars for a million tokens. ``cached`` (read from the cache) and
    ``cache_write`` cost as ``input`` where they are left out, ``reasoning`` as ``output``,
    ``cache_write_1h`` (kept for an hour) as ``cache_write``. A name
    with ``*`` at its end stands for every model that begins so, the longest such name counts; a
    name may have the provider in front (``azure/gpt-4o``), and then comes before those without.

    The file is looked at every five seconds when it is asked. While it is wrong, the prices read
    before it go on, and a warning says why.

    Args:
        path: The file.
        name: What to call the table in errors and warnings.
        clock: Seconds, monotonic.

    Raises:
        ValueError: The file is no such table when it is first read; the message says what is
            wrong where.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        name: str = "prices",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = Path(path)
        self._name = name
        self._clock = clock
        self._looked = clock()
        #: What was read last, be it a table or not, or why it could not be read.
        self._last = self._content()
        self._table = self._parsed(self._last)

    def usd(self, call: ModelCall) -> Decimal | None:
        """Return what a call cost, see ``Prices``."""
        if self._clock() - self._looked >= _LOOK_AGAIN:
            self._look()
        rates = self._table.find(call)
        if rates is None:
            return None
        with localcontext(EXACT):
            return rates.usd(call)

    def _look(self) -> None:
        self._looked = self._clock()  # first, so that other threads need not look
        content = self._content()
        if content == self._last:
            return
        self._last = content
        try:
            self._table = self._parsed(content)
        except ValueError as error:
            _logger.warning("agent-analytics: %s; the prices read before it go on", error)
        else:
            _logger.info("agent-analytics: %s: %s was read again", self._name, self._path)

    def _content(self) -> bytes | str:
        """Return what the file holds, or in words why that is not known."""
        try:
            if not self._path.is_file():
                return "is a directory or the like" if self._path.exists() else "does not exist"
            with self._path.open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
        except (OSError, ValueError) as error:  # a ValueError for a path with a null byte
            return f"cannot be read: {getattr(error, 'strerror', None) or error}"
        return content if len(content) <= _MOST_BYTES else f"is larger than {_MOST_BYTES} bytes"

    def _parsed(self, content: bytes | str) -> "_Table":
        if isinstance(content, str):
            why = content
        else:
            try:
                return _Table(_document(content))
            except (ValueError, RecursionError) as error:
                why = f"is no table of prices: {_where(error)}"
        msg = f"{self._name}: {self._path} {why}"
        raise ValueError(msg)


class _Table:
    """Rates by the names and beginnings of names of models."""

    def __init__(self, document: object) -> None:
        self._exact: dict[str, Rates] = {}
        self._beginnings: dict[str, Rates] = {}
        for model, stated in _pairs(document, "the file"):
            rates = _rates(model, stated)
            beginning = model.removesuffix(_ANY)
            if _ANY in beginning:
                _refuse(f"{_quoted(model)}: * may stand at the end of a name only")
            if beginning == model:
                self._exact[model] = rates
            else:
                self._beginnings[beginning] = rates
        #: So that a name of any length takes as many looks as there are lengths.
        self._lengths = sorted({len(one) for one in self._beginnings}, reverse=True)

    def find(self, call: ModelCall) -> Rates | None:
        """Return the rates of a call: of the model that answered, else of the one that was asked.

        A whole name comes before a beginning, but where a deployment was asked: that may be called
        like any model.
        """
        names = list(billed_names(call))
        for prefix in (f"{call.provider}/", "") if call.provider is not None else ("",):
            whole = (
                [] if is_deployment(call) else [self._exact.get(prefix + name) for name in names]
            )
            for rates in (*whole, *(self._of(prefix, name) for name in names)):
                if rates is not None:
                    return rates
        return None

    def _of(self, prefix: str, name: str) -> Rates | None:
        """Return the rates of a name, by a beginning that is no shorter than the prefix."""
        whole = prefix + name
        found = self._exact.get(whole)
        if found is not None:
            return found
        for length in self._lengths:
            if length < len(prefix):
                break
            found = self._beginnings.get(whole[:length])
            if found is not None:
                return found
        return None


def _document(content: bytes) -> object:
    found: object = json.loads(
        content.decode("utf-8-sig"),
        parse_float=_number,
        parse_int=_number,
        parse_constant=_number,
        object_pairs_hook=_Pairs,
    )
    return found


def _number(text: str) -> Decimal:
    """Return a number of any size as it is written; NaN where there is no such number."""
    try:
        return Decimal(text)
    except ArithmeticError:
        return Decimal("NaN")


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON as it stands, with names that stand in it twice."""


def _pairs(document: object, what: str) -> Iterable[tuple[str, object]]:
    if not isinstance(document, _Pairs):
        _refuse(f"{what}: expected an object, got {_quoted(document)}")
    pairs = cast("list[tuple[str, object]]", document)
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            _refuse(f"{what}: {_quoted(name)} stands twice")
        seen.add(name)
    return pairs


def _rates(model: str, stated: object) -> Rates:
    what = _quoted(model)
    prices: dict[str, Decimal] = {}
    for field, value in _pairs(stated, what):
        if field not in _FIELDS:
            _refuse(f"{what}: unknown price {_quoted(field)}, expected {', '.join(_FIELDS)}")
        if not isinstance(value, Decimal) or not value.is_finite() or not 0 <= value <= _MOST:
            _refuse(
                f"{what}: {field}: expected US dollars for a million tokens, from 0 to {_MOST}, "
                f"got {_quoted(value)}"
            )
        prices[field] = value
    for field, instead in _FIELDS.items():
        if field not in prices:
            if instead is None:
                _refuse(f"{what}: {field} is missing")
            prices[field] = prices[instead]
    return Rates(*(prices[field] for field in _FIELDS))


def _where(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}: {error.msg}"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is no UTF-8"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error)


def _quoted(value: object) -> str:
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"


def _refuse(why: str) -> NoReturn:
    raise ValueError(why)
