"""What model calls cost, where their spans do not say.

A table of one's own (a file, read again when it changes) comes first; ``genai-prices`` knows the
public prices of most models (``pip install agent-analytics[prices]``). A model that neither knows
has no price: its tokens are counted as unpriced, and its cost never as 0.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from decimal import Decimal, DecimalException
from pathlib import Path
from typing import Any, Final, Protocol

_logger = logging.getLogger("agent_analytics")

_MILLION: Final = Decimal(1_000_000)
#: Seconds between two looks at whether a file has changed.
_LOOK_AGAIN: Final = 5.0
_REMEMBERED: Final = 1_000


class Prices(Protocol):
    """Knows what model calls cost."""

    def usd(
        self, model: str, sent: int, received: int, cached: int, reasoning: int
    ) -> Decimal | None:
        """Return what a call cost in US dollars, or ``None`` where the price is not known.

        Args:
            model: As the span names it.
            sent: Input tokens, cached ones included.
            received: Output tokens, reasoning included.
            cached: Input tokens that were read from the cache.
            reasoning: Output tokens spent on reasoning.
        """
        ...


class FilePrices:
    """Prices from a JSON file: ``{"model": {"input": 2.5, "output": 10, "cached": 1.25}}``.

    Amounts are US dollars for a million tokens; without ``cached``, cached tokens cost as input.

    Args:
        path: The file. While it cannot be read, the prices read before it go on.
        clock: Seconds, monotonic.

    Raises:
        ValueError: The file is no such table when it is first read.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = Path(path)
        self._clock = clock
        self._stamp = self._now()
        self._table = self._read()
        self._looked = clock()

    def usd(
        self, model: str, sent: int, received: int, cached: int, reasoning: int
    ) -> Decimal | None:
        """Return what a call cost, see ``Prices``."""
        del reasoning  # a part of what was received
        if self._clock() - self._looked >= _LOOK_AGAIN:
            self._look()
        price = self._table.get(model)
        if price is None:
            return None
        fresh, out, kept = price
        return (fresh * (sent - cached) + kept * cached + out * received) / _MILLION

    def _look(self) -> None:
        self._looked = self._clock()
        stamp = self._now()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._table = self._read()
        except ValueError:
            _logger.warning(
                "agent-analytics: %s is no table of prices; the old ones go on", self._path
            )

    def _now(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return 0, 0
        return found.st_mtime_ns, found.st_size

    def _read(self) -> dict[str, tuple[Decimal, Decimal, Decimal]]:
        try:
            table = json.loads(self._path.read_text(encoding="utf-8"), parse_float=Decimal)
            return {model: _price(one) for model, one in table.items()}
        except (
            OSError,
            AttributeError,
            KeyError,
            TypeError,
            ValueError,
            DecimalException,
        ) as error:
            msg = f"prices: {self._path} is no table of prices by model"
            raise ValueError(msg) from error


def _price(told: Mapping[str, Any]) -> tuple[Decimal, Decimal, Decimal]:
    fresh, out = Decimal(told["input"]), Decimal(told["output"])
    kept = Decimal(told.get("cached", fresh))
    if min(fresh, out, kept) < 0 or not (fresh + out + kept).is_finite():
        raise ValueError
    return fresh, out, kept


class PublicPrices:
    """Prices that the package ``genai-prices`` ships; it asks no network.

    Raises:
        ImportError: The extra ``prices`` is not installed.
    """

    def __init__(self) -> None:
        import genai_prices  # noqa: PLC0415 - an optional extra

        self._package: Any = genai_prices
        self._unknown: dict[str, None] = {}

    def usd(
        self, model: str, sent: int, received: int, cached: int, reasoning: int
    ) -> Decimal | None:
        """Return what a call cost, see ``Prices``."""
        del reasoning  # a part of what was received
        if model in self._unknown:
            return None
        usage = self._package.Usage(
            input_tokens=sent, output_tokens=received, cache_read_tokens=cached
        )
        for name in dict.fromkeys((model, model.rpartition("/")[2])):
            try:
                price = self._package.calc_price(usage, model_ref=name).total_price
            except LookupError:
                continue
            return Decimal(price)
        if len(self._unknown) < _REMEMBERED:
            self._unknown[model] = None
        return None


class FirstOf:
    """Asks several prices in turn."""

    def __init__(self, *prices: Prices) -> None:
        self._prices = prices

    def usd(
        self, model: str, sent: int, received: int, cached: int, reasoning: int
    ) -> Decimal | None:
        """Return the first price that is known, see ``Prices``."""
        for one in self._prices:
            found = one.usd(model, sent, received, cached, reasoning)
            if found is not None:
                return found
        return None
