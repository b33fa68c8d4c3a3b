"""Checks on what spans carry: anything may be written into an attribute by anyone.

Each function returns what may be counted and notes on the health counters what it refused.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final, cast

from agent_analytics.instrumentation.exact import exact

if TYPE_CHECKING:  # these import what the core does, and the core what is here
    from agent_analytics.processor._count.core import Amounts
    from agent_analytics.processor._series.health import Health

#: Largest number of tokens believed of one span; the largest contexts hold some millions.
MAX_TOKENS: Final = 1_000_000_000
#: Longest duration believed of one span, in nanoseconds: 30 days.
MAX_DURATION_NS: Final = 30 * 24 * 3600 * 10**9
#: Largest size believed of one result of a tool, in bytes: a terabyte.
MAX_RESULT_BYTES: Final = 10**12
_REMEMBERED_CHARGES: Final = 4_096
#: Characters of an amount that is read the quick way; a longer one is looked at in ``nano_usd``.
SHORT_AMOUNT: Final = 32


#: Input, output, cached and reasoning tokens.
Counts = tuple[int, int, int, int]
#: What something cost: in nano-dollars, ``None`` where it is not known, and who says so. A plain
#: tuple, since each invocation makes one.
Cost = tuple[int | None, int]

# --- who says what a call cost, the most believed first ------------------------------------------

USER: Final = 1
OWN_TABLE: Final = 2
STATED: Final = 3
PUBLIC_LIST: Final = 4
NOBODY: Final = 5

UNKNOWN_COST: Final[Cost] = (None, NOBODY)
#: Costs of tokens at a price: they count only where the tokens do.
PRICED: Final = (OWN_TABLE, PUBLIC_LIST)

# --- checks --------------------------------------------------------------------------------------


def tokens(value: object, health: "Health") -> int:
    """Return ``value`` as a number of tokens, or 0 if it is absent or none."""
    if value is None:
        return 0
    if type(value) is int:
        if 0 <= value <= MAX_TOKENS:
            return value
    elif type(value) is float and value.is_integer() and 0 <= value <= MAX_TOKENS:
        return int(value)  # JSON encoders of other languages know doubles only
    elif exact(value) is not value:
        return tokens(exact(value), health)
    health.refuse_value("tokens")
    return 0


def duration(start: int | None, end: int | None, health: "Health") -> int:
    """Return nanoseconds from ``start`` to ``end``, or 0 where they make no sense."""
    if start is not None and end is not None:
        elapsed = end - start
        if 0 <= elapsed <= MAX_DURATION_NS:
            return elapsed
    health.refuse_value("duration")
    return 0


def number(value: object, low: float, high: float, what: str, health: "Health") -> float | None:
    """Return ``value`` as a number from ``low`` to ``high``, or ``None``."""
    value = exact(value)
    if type(value) in {int, float} and low <= value <= high:  # type: ignore[operator]  # NaN fails
        return float(value)  # type: ignore[arg-type]  # an int or a float, see above
    health.refuse_value(what)
    return None


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
        shares = cast("Mapping[object, object]", rate) if isinstance(rate, Mapping) else {"*": rate}
        self._of = {str(publisher): self._exact(share) for publisher, share in shares.items()}
        self._default = self._of.get("*", (0, 1))

    @staticmethod
    def _exact(share: object) -> tuple[int, int]:
        """Return ``share`` as numerator and denominator."""
        try:
            exact = Decimal(str(share))
        except ArithmeticError:
            exact = Decimal("NaN")
        if not (exact.is_finite() and 0 <= exact <= 1):
            msg = f"take_rate: expected a share from 0 to 1, got {share!r}"
            raise ValueError(msg)
        return exact.as_integer_ratio()

    def fee(self, publisher: str, revenue: int) -> int:
        """Return the marketplace's share of ``revenue``, both in nano-dollars."""
        numerator, denominator = self._of.get(publisher, self._default)
        if not numerator:
            return 0
        fee, rest = divmod(revenue * numerator, denominator)
        # Half to even, as amounts are rounded.
        return fee + (2 * rest > denominator or (2 * rest == denominator and fee % 2))


class Charges:
    """Reads what spans charge; prices repeat, so the last few are remembered.

    Attributes:
        known: Charges by publisher, then price; the hot path asks it directly.
    """

    __slots__ = ("_amounts", "_remembered", "_take_rate", "known")

    def __init__(self, amounts: "Amounts", take_rate: TakeRate) -> None:
        self._amounts = amounts
        self._take_rate = take_rate
        self.known: dict[str, dict[str, tuple[int, int]]] = {}
        self._remembered = 0

    def read(self, publisher: str, value: object) -> tuple[int, int]:
        """Return a charge and the marketplace's share of it, both in nano-dollars."""
        if type(value) is str:
            known = self.known.get(publisher, {}).get(value)
            if known is not None:
                return known
        revenue = self._amounts.read(value)
        if revenue is None:
            return 0, 0
        charge = revenue, self._take_rate.fee(publisher, revenue)
        if type(value) is str and len(value) <= SHORT_AMOUNT:
            if self._remembered >= _REMEMBERED_CHARGES:
                self.known.clear()
                self._remembered = 0
            self.known.setdefault(publisher, {})[value] = charge
            self._remembered += 1
        return charge
