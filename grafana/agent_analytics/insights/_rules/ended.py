"""What became of an insight that is not raised any more, as it is recorded."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An insight that was raised in the last sixty days and is not any more.

    Attributes:
        name: The insight's short name, such as ``error-rate``.
        title: One short line.
        publisher_id: Who built the listing.
        agent_id: The listing.
        tool: The tool concerned, or empty.
        state: ``fixed``: since it was raised last, as much was observed as it took to raise it.
            ``not_known``: less was, or the insight falls silent by itself.
        opened: When it was opened (UTC).
        last_raised: When it was raised last (UTC).
        fixed: Since when it counts as fixed (UTC), or None.
        openings: How often it was opened.
        worth_before_usd_day: US dollars a day that were at stake at its worst, where that is known.
        worth_after_usd_day: US dollars a day that are at stake now that it is fixed.
        why: In a sentence, why it is not known; empty where it is fixed.
    """

    name: str
    title: str
    publisher_id: str
    agent_id: str
    tool: str = ""
    state: Literal["fixed", "not_known"] = "not_known"
    opened: datetime | None = None
    last_raised: datetime | None = None
    fixed: datetime | None = None
    openings: int = 1
    worth_before_usd_day: float | None = None
    worth_after_usd_day: float | None = None
    why: str = ""
