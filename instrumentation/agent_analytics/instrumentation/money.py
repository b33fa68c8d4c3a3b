"""Money as integers of nano-dollars, so that sums are exact.

Micro-dollars would round the cost of a small model's call to 0.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Final

NANO_PER_USD: Final = 1_000_000_000
#: Largest single amount, in US dollars; anything above is a mistake of the sender.
MAX_USD: Final = 1_000_000

#: Longest amount given as text; parsing a longer one would cost its sender nothing and us much.
_MAX_DIGITS: Final = 64
_NANO: Final = Decimal(NANO_PER_USD)
#: The host's decimal context may round to a few digits, or raise.
_EXACT: Final = Context(prec=100, rounding=ROUND_HALF_EVEN, traps=[])


def nano_usd(value: object) -> int:
    """Return ``value``, an amount in US dollars, as whole nano-dollars (half to even).

    A float counts as the decimal it prints as: ``0.1`` is ten cents exactly.

    Raises:
        ValueError: ``value`` is no number, not finite, negative or above ``MAX_USD``.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        msg = f"expected an amount in US dollars, got {type(value).__name__}"
        raise ValueError(msg)  # noqa: TRY004 - bad arguments are ValueErrors throughout
    if isinstance(value, str) and len(value) > _MAX_DIGITS:
        value = "NaN"
    try:
        amount = Decimal(float.__repr__(value) if isinstance(value, float) else value)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not (amount.is_finite() and 0 <= amount <= MAX_USD):
        msg = f"expected an amount in US dollars from 0 to {MAX_USD}, got {str(value)[:40]!r}"
        raise ValueError(msg)
    return int(_EXACT.multiply(amount, _NANO).to_integral_value(context=_EXACT))


def usd_text(nano: int) -> str:
    """Return nano-dollars as an exact decimal string in US dollars, without trailing zeros.

    >>> usd_text(50_000_000)
    '0.05'
    """
    sign = "-" if nano < 0 else ""
    dollars, rest = divmod(abs(nano), NANO_PER_USD)
    if not rest:
        return f"{sign}{dollars}"
    return f"{sign}{dollars}.{rest:09d}".rstrip("0")
