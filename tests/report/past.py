"""Four days of a small marketplace, as OpenMetrics text, with what is true of its last day.

Counters grow by the same amount every five minutes of a day, and by another one the day before, so
that trends are known. One process begins anew in the last day, and one vanishes in it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

STEP: Final = 300
DAY: Final = 86_400
#: Noon of a day, UTC.
END: Final = 20_255 * DAY + DAY // 2
START: Final = END - 4 * DAY - 7200
REGISTERS: Final = 1024
#: Would break out of a matcher, of HTML, of a spreadsheet and of a terminal.
HOSTILE: Final = "=x\"} or vector(1) #<script>alert('1')</script>\\\x1b[31m"

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Listing:
    """What a listing does every five minutes of the last day; ``before`` times that earlier on."""

    publisher: str
    agent: str
    outcomes: Mapping[str, int]
    quick: int
    before: int
    tenants: range
    tenants_before: range
    revenue: float = 0.0
    refunds: float = 0.0
    cost: float = 0.0
    ratings: Sequence[int] = (0, 0, 0, 0, 0)
    tools: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    tokens: int = 0
    unpriced: int = 0
    installs: int = 0
    active: int | None = None
    #: Seconds before the end at which the process began anew, or None.
    restarted: int | None = None
    #: Seconds before the end at which its last sample was, or 0.
    vanished: int = 0

    @property
    def steps(self) -> int:
        """How many steps of the last day it was there."""
        return (DAY - self.vanished) // STEP

    @property
    def total(self) -> int:
        """Invocations of the last day."""
        return sum(self.outcomes.values()) * self.steps


FINDER: Final = Listing(
    publisher="acme",
    agent="finder",
    outcomes={"success": 90, "error": 7, "timeout": 3, "cancelled": 11},
    quick=81,
    before=2,
    tenants=range(40),
    tenants_before=range(50),
    revenue=4.5,
    refunds=0.5,
    cost=1.25,
    ratings=(1, 0, 2, 3, 4),
    tools={"search": (19, 1), HOSTILE: (4, 4)},
    tokens=1000,
    installs=2,
    active=77,
    restarted=6 * 3600,
)
WRITER: Final = Listing(
    publisher="acme",
    agent=HOSTILE,
    outcomes={"success": 5, "error": 0, "timeout": 0, "cancelled": 0},
    quick=5,
    before=1,
    tenants=range(3),
    tenants_before=range(3),
    revenue=0.25,
    installs=1,
    active=4,
    vanished=9 * 3600,
)
LONER: Final = Listing(
    publisher="globex",
    agent="loner",
    outcomes={"success": 13, "error": 2, "timeout": 0, "cancelled": 0},
    quick=13,
    before=1,
    tenants=range(100, 101),
    tenants_before=range(100, 101),
    tokens=70,
    unpriced=140,
)
LISTINGS: Final = (FINDER, WRITER, LONER)


def text() -> str:
    """Return the samples of all listings, oldest first within each series."""
    families: dict[str, list[str]] = {}
    for listing in LISTINGS:
        for name, labels, by_step in _counters(listing):
            lines = families.setdefault(name, [])
            lines += [f"{_series(name, labels)} {v} {t}" for t, v in _levels(listing, by_step)]
        for name, labels, values in _gauges(listing):
            families.setdefault(name, []).extend(
                f"{_series(name, labels)} {value} {time}" for time, value in values
            )
    body = "\n".join("\n".join(lines) for lines in families.values())
    return f"{body}\n# EOF\n"


def _times(listing: Listing) -> range:
    return range(START, END - listing.vanished + 1, STEP)


def _levels(listing: Listing, by_step: float) -> Iterator[tuple[int, float]]:
    level = 0.0
    restart = END - listing.restarted if listing.restarted else None
    for time in _times(listing):
        if time == restart:
            level = 0.0
        if time != START:
            level += by_step * (1 if time > END - DAY else listing.before)
        yield time, round(level, 6)


def _counters(listing: Listing) -> Iterator[tuple[str, Labels, float]]:
    own = {
        "publisher_id": listing.publisher,
        "agent_id": listing.agent,
        "instance": listing.agent[:3] + ":9464",
        "job": "agent-analytics",
    }
    prefix = "marketplace_agent_"
    for outcome, count in listing.outcomes.items():
        yield f"{prefix}invocations_total", {**own, "outcome": outcome}, count
    failed = listing.outcomes["error"]
    yield f"{prefix}invocation_errors_total", {**own, "error_type": "ValueError"}, failed
    done = {**own, "outcome": "success"}
    success = listing.outcomes["success"]
    duration = f"{prefix}invocation_duration_seconds"
    for edge, count in (("2.0", listing.quick), ("20.0", success), ("+Inf", success)):
        yield f"{duration}_bucket", {**done, "le": edge}, count
    yield f"{duration}_count", done, success
    yield f"{duration}_sum", done, 1.5 * listing.quick + 11.0 * (success - listing.quick)
    yield f"{prefix}revenue_usd_total", own, listing.revenue
    yield f"{prefix}refunds_usd_total", own, listing.refunds
    yield f"{prefix}fees_usd_total", own, listing.revenue / 10
    yield f"{prefix}model_cost_usd_total", own, listing.cost
    yield f"{prefix}wasted_cost_usd_total", own, listing.cost / 10
    yield f"{prefix}installs_total", own, listing.installs
    yield f"{prefix}uninstalls_total", own, listing.installs / 2
    for stars in range(1, 6):
        edge = f"{float(stars)}"
        yield f"{prefix}feedback_rating_bucket", {**own, "le": edge}, sum(listing.ratings[:stars])
    total = sum(listing.ratings)
    yield f"{prefix}feedback_rating_bucket", {**own, "le": "+Inf"}, total
    yield f"{prefix}feedback_rating_count", own, total
    mass = sum(stars * count for stars, count in enumerate(listing.ratings, 1))
    yield f"{prefix}feedback_rating_sum", own, mass
    for tool, (good, bad) in listing.tools.items():
        named = {**own, "tool": tool}
        yield f"{prefix}tool_calls_total", {**named, "outcome": "success"}, good
        yield f"{prefix}tool_calls_total", {**named, "outcome": "error"}, bad
        yield f"{prefix}tool_call_duration_seconds_sum", named, (good + bad) * 0.25
        yield f"{prefix}tool_call_duration_seconds_count", named, good + bad
    if listing.tokens:
        model = {**own, "model": "m"}
        yield f"{prefix}input_tokens_total", model, listing.tokens
        yield f"{prefix}output_tokens_total", model, listing.tokens
        yield f"{prefix}cached_input_tokens_total", model, listing.tokens / 4
        yield f"{prefix}unpriced_tokens_total", model, listing.unpriced


def _gauges(listing: Listing) -> Iterator[tuple[str, Labels, list[tuple[int, float]]]]:
    own = {"publisher_id": listing.publisher, "agent_id": listing.agent, "instance": "i"}
    times = _times(listing)
    info = {**own, "agent_name": listing.agent.title(), "agent_version": "1.2"}
    yield "marketplace_agent_info", info, [(time, 1) for time in times]
    if listing.active is not None:
        yield "marketplace_agent_active_installs", own, [(time, listing.active) for time in times]
    for tenants, since, until in (
        # A window has both of its edges: whoever is seen on one counts on both sides.
        (listing.tenants_before, START, END - DAY - STEP),
        (listing.tenants, END - DAY, END),
    ):
        seen = [time for time in times if since < time <= until]
        for register, smallest in _registers(tenants).items():
            labels = {**own, "kind": "tenants", "register": str(register), "since": str(since)}
            yield "marketplace_agent_sketch_register", labels, [(time, smallest) for time in seen]


def _registers(tenants: range) -> dict[int, float]:
    found: dict[int, float] = {}
    for tenant in tenants:
        digest = int.from_bytes(hashlib.sha256(f"{tenant}".encode()).digest()[:8])
        register, rest = digest % REGISTERS, digest // REGISTERS
        found[register] = min(found.get(register, 1.0), (rest + 0.5) / 2**54)
    return found


def _series(name: str, labels: Labels) -> str:
    written = ",".join(
        f'{key}="{value.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"'
        for key, value in labels.items()
    )
    return f"{name}{{{written}}}"
