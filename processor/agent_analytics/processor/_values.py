"""Checks on what spans carry: anything may be written into an attribute by anyone.

Each function returns what may be counted and notes on the health counters what it refused.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Final

from agent_analytics.instrumentation.money import nano_usd
from agent_analytics.processor._health import Health

#: Largest number of tokens believed of one span; the largest contexts hold some millions.
MAX_TOKENS: Final = 1_000_000_000
#: Longest duration believed of one span, in nanoseconds: 30 days.
MAX_DURATION_NS: Final = 30 * 24 * 3600 * 10**9
_REMEMBERED_AMOUNTS: Final = 4_096
#: The host's decimal context may round to a few digits, or raise.
_EXACT: Final = Context(prec=100, rounding=ROUND_HALF_EVEN, traps=[])


def tokens(value: object, health: Health) -> int:
    """Return ``value`` as a number of tokens, or 0 if it is absent or none."""
    if value is None:
        return 0
    if type(value) is int:
        if 0 <= value <= MAX_TOKENS:
            return value
    elif type(value) is float and value.is_integer() and 0 <= value <= MAX_TOKENS:
        return int(value)  # JSON encoders of other languages know doubles only
    health.refuse_value("tokens")
    return 0


def duration(start: int | None, end: int | None, health: Health) -> int:
    """Return nanoseconds from ``start`` to ``end``, or 0 where they make no sense."""
    if start is not None and end is not None:
        elapsed = end - start
        if 0 <= elapsed <= MAX_DURATION_NS:
            return elapsed
    health.refuse_value("duration")
    return 0


def number(value: object, low: float, high: float, what: str, health: Health) -> float | None:
    """Return ``value`` as a number from ``low`` to ``high``, or ``None``."""
    if type(value) in {int, float} and low <= value <= high:  # type: ignore[operator]  # NaN fails
        return float(value)  # type: ignore[arg-type]  # an int or a float, see above
    health.refuse_value(what)
    return None


class Amounts:
    """Reads amounts of money into nano-dollars; prices repeat, so the last few are remembered."""

    __slots__ = ("_health", "_known")

    def __init__(self, health: Health) -> None:
        self._health = health
        self._known: dict[str, int] = {}

    def nano(self, value: object) -> int:
        """Return ``value`` in nano-dollars, or 0 if it is absent or no amount."""
        if value is None:
            return 0
        if type(value) is str:
            known = self._known.get(value)
            if known is not None:
                return known
        return self.told(value) or 0

    def told(self, value: object) -> int | None:
        """Return ``value`` in nano-dollars, or ``None`` if it is absent or no amount."""
        if value is None:
            return None
        try:
            nano = nano_usd(value)
        except ValueError:
            self._health.refuse_value("amount")
            return None
        if type(value) is str:
            if len(self._known) >= _REMEMBERED_AMOUNTS:
                self._known.clear()
            self._known[value] = nano
        return nano


class TakeRate:
    """The marketplace's share of revenue, for all publishers or for each.

    Args:
        rate: A share from 0 to 1, or a mapping from publisher to share; a publisher that the
            mapping lacks pays what stands under ``"*"``, else nothing.

    Raises:
        ValueError: A share is no number from 0 to 1.
    """

    __slots__ = ("_default", "_of")

    def __init__(self, rate: object) -> None:
        shares: Mapping[object, object] = rate if isinstance(rate, Mapping) else {"*": rate}
        self._of = {str(publisher): self._exact(share) for publisher, share in shares.items()}
        self._default = self._of.get("*", Decimal(0))

    @staticmethod
    def _exact(share: object) -> Decimal:
        try:
            exact = Decimal(str(share))
        except ArithmeticError:
            exact = Decimal("NaN")
        if not (exact.is_finite() and 0 <= exact <= 1):
            msg = f"take_rate: expected a share from 0 to 1, got {share!r}"
            raise ValueError(msg)
        return exact

    def fee(self, publisher: str, revenue: int) -> int:
        """Return the marketplace's share of ``revenue``, both in nano-dollars."""
        share = self._of.get(publisher, self._default)
        if not share:
            return 0
        return int(_EXACT.multiply(share, Decimal(revenue)).to_integral_value(context=_EXACT))
