"""What two answers differ in."""

import math
from dataclasses import dataclass
from typing import Final

from tests.engines.questions import Answer

#: How far apart two engines may compute the same number, relatively.
TOLERANCE: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Differs:
    """What an answer differs in from the one that it is compared with.

    Attributes:
        lacks: Numbers that it does not have.
        lacks_nan: The same of what is no number there.
        more: Numbers that only it has.
        more_nan: The same of what is no number.
        other: Numbers that are not equal.
        worst: The largest relative distance of these; infinite where one is no number.
        example: One of all these.
    """

    lacks: int = 0
    lacks_nan: int = 0
    more: int = 0
    more_nan: int = 0
    other: int = 0
    worst: float = 0.0
    example: str = ""

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return any((self.lacks, self.lacks_nan, self.more, self.more_nan, self.other))


def compare(expected: Answer, found: Answer, tolerance: float = TOLERANCE) -> Differs:
    """Return what an answer differs in from the expected one."""
    lacks = [key for key in expected if key not in found]
    more = [key for key in found if key not in expected]
    far = {
        key: distance
        for key, value in expected.items()
        if key in found and (distance := _distance(value, found[key])) > tolerance
    }
    shown = next(iter((*lacks, *more, *sorted(far, key=lambda key: -far[key]))), None)
    return Differs(
        lacks=sum(not _is_nan(expected[key]) for key in lacks),
        lacks_nan=sum(_is_nan(expected[key]) for key in lacks),
        more=sum(not _is_nan(found[key]) for key in more),
        more_nan=sum(_is_nan(found[key]) for key in more),
        other=len(far),
        worst=max(far.values(), default=0.0),
        example="" if shown is None else f"{shown}: {expected.get(shown)} and {found.get(shown)}",
    )


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _distance(one: object, other: object) -> float:
    """Return how far apart two values are; 0 for the same, infinite for what has no distance."""
    if one == other or (_is_nan(one) and _is_nan(other)):
        return 0.0
    if isinstance(one, float | int) and isinstance(other, float | int):
        away = abs(one - other) / max(abs(one), abs(other))
        return away if math.isfinite(away) else math.inf
    return math.inf
