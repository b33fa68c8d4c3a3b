"""Stretches of time and steps, as Grafana reckons them: its numbers are to be ours."""

import math
import re
from dataclasses import dataclass
from typing import Final

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_DURATION: Final = re.compile(r"(\d+)([smhdwy])")
#: Up to how many seconds between two points which step is taken (`roundInterval` of Grafana).
_STEPS: Final = (
    (1.5, 1), (3.5, 2), (7.5, 5), (12.5, 10), (17.5, 15), (25, 20), (45, 30), (90, 60),
    (210, 120), (450, 300), (750, 600), (1_050, 900), (1_500, 1_200), (2_700, 1_800),
    (5_400, 3_600), (9_000, 7_200), (16_200, 10_800), (32_400, 21_600), (86_400, 43_200),
    (604_800, 86_400), (1_814_400, 604_800),
)  # fmt: skip
_LONGEST_STEP: Final = 2_592_000
#: What Prometheus answers at most.
MOST_POINTS: Final = 11_000
_RATE_SCRAPES: Final = 4


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, and how far points are apart; Unix times and seconds."""

    start: int
    end: int
    step: int


def seconds(text: str) -> int:
    """Return the seconds of a duration such as ``56d``.

    Raises:
        ValueError: If it is none.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        message = f"expected a duration such as 56d, got {text!r}"
        raise ValueError(message)
    return int(found[1]) * _UNITS[found[2]]


def span(start: float, end: float, *, points: int, least: int) -> Span:
    """Return a stretch of time whose points fit a number of pixels.

    Args:
        start: Unix time.
        end: Unix time.
        points: How many points can be told apart.
        least: The shortest step, in seconds.
    """
    wanted = (end - start) / max(points, 1)
    rounded = next((step for below, step in _STEPS if wanted < below), _LONGEST_STEP)
    step = max(rounded, least, math.ceil((end - start) / MOST_POINTS))
    # Points lie on multiples of the step, so that they stay where they are when time goes on.
    return Span(math.floor(start / step) * step, math.floor(end / step) * step, step)


def built_in(of: Span, *, scrape: int) -> dict[str, str]:
    """Return Grafana's own variables for a stretch of time.

    Args:
        of: The stretch.
        scrape: Seconds between two scrapes.
    """
    whole = of.end - of.start
    return {
        "__interval": f"{of.step}s",
        "__interval_ms": str(of.step * 1000),
        "__rate_interval": f"{max(of.step + scrape, _RATE_SCRAPES * scrape)}s",
        "__range": f"{whole}s",
        "__range_s": str(whole),
        "__range_ms": str(whole * 1000),
    }
