"""A fixed day of a small marketplace, as OpenMetrics text for ``promtool tsdb create-blocks-from``.

Every counter grows by the same step in each sample, so that the truth over any window is known;
no two steps are alike, so that swapped fields show.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

END: Final = 1_750_003_200
STEP: Final = 300
SAMPLES: Final = 26 * 3600 // STEP
REGISTERS: Final = 1024


@dataclass(frozen=True)
class Listing:
    """What a listing does in each step, and whom it is used by."""

    publisher: str
    agent: str
    outcomes: Mapping[str, int]
    tools: Mapping[str, tuple[int, int]]
    quick: int
    tenants: range
    rating: int
    revenue: float


LISTINGS: Final = (
    Listing(
        publisher="acme",
        agent="finder",
        outcomes={"success": 97, "error": 11, "timeout": 5, "cancelled": 29},
        tools={"search": (71, 3), "mail": (17, 6)},
        quick=83,
        tenants=range(1000),
        rating=31,
        revenue=4.85,
    ),
    Listing(
        publisher="acme",
        agent="writer",
        outcomes={"success": 211, "error": 1, "timeout": 0, "cancelled": 2},
        tools={"search": (53, 1)},
        quick=211,
        tenants=range(600, 1500),
        rating=47,
        revenue=21.1,
    ),
    Listing(
        publisher="globex",
        agent="finder",
        outcomes={"success": 307, "error": 3, "timeout": 1, "cancelled": 0},
        tools={},
        quick=305,
        tenants=range(5000, 5012),
        rating=43,
        revenue=0.307,
    ),
)
#: Insights that fire at the end.
FIRING: Final[tuple[tuple[str, str, str, str, dict[str, str]], ...]] = (
    ("AgentErrorRateHigh", "critical", "reliability", "error-rate", {}),
    ("AgentResponsesSlow", "warning", "performance", "response-time", {}),
    ("AgentRatingLow", "warning", "quality", "satisfaction", {}),
    ("AgentToolFailing", "warning", "reliability", "tool-failures", {"tool": "mail"}),
)

Sample = tuple[str, Mapping[str, str], float]


def registers(tenants: range) -> dict[int, float]:
    """Return the smallest hash in (0, 1) of each register that a tenant fell into."""
    found: dict[int, float] = {}
    for tenant in tenants:
        digest = hashlib.blake2b(str(tenant).encode(), digest_size=16).digest()
        register = int.from_bytes(digest[:4], "big") % REGISTERS
        value = (int.from_bytes(digest[4:10], "big") + 0.5) / 2**48
        found[register] = min(value, found.get(register, 1.0))
    return found


def steps(listing: Listing) -> Iterator[Sample]:
    """Yield how much each counter of a listing grows in a step."""
    own = {"publisher_id": listing.publisher, "agent_id": listing.agent}
    judged = sum(listing.outcomes.values())
    for outcome, count in listing.outcomes.items():
        yield "invocations_total", {**own, "outcome": outcome}, count
        slow = {"success": listing.outcomes["success"] - listing.quick}.get(outcome, 0)
        name, labels = "invocation_duration_seconds", {**own, "outcome": outcome}
        for edge, below in (("5.0", (count - slow) // 2), ("10.0", count - slow), ("+Inf", count)):
            yield f"{name}_bucket", {**labels, "le": edge}, below
        yield f"{name}_count", labels, count
        yield f"{name}_sum", labels, (2.5 if outcome == "success" else 77) * count
    for tool, (success, error) in listing.tools.items():
        labels = {**own, "tool": tool}
        yield "tool_calls_total", {**labels, "outcome": "success"}, success
        yield "tool_calls_total", {**labels, "outcome": "error"}, error
        yield "tool_call_duration_seconds_bucket", {**labels, "le": "+Inf"}, success + error
        yield "tool_call_duration_seconds_count", labels, success + error
        yield "tool_call_duration_seconds_sum", labels, 0.75 * (success + error)
    yield "feedback_rating_bucket", {**own, "le": "+Inf"}, 10
    yield "feedback_rating_count", own, 10
    yield "feedback_rating_sum", own, listing.rating
    yield "revenue_usd_total", own, listing.revenue
    yield "refunds_usd_total", own, listing.revenue / 8
    yield "model_cost_usd_total", own, listing.revenue / 4
    yield "wasted_cost_usd_total", own, listing.revenue / 16
    yield "installs_total", own, 3
    yield "uninstalls_total", own, 2
    yield "input_tokens_total", {**own, "model": "large"}, 700 * judged
    yield "output_tokens_total", {**own, "model": "large"}, 90 * judged


def gauges(listing: Listing) -> Iterator[Sample]:
    """Yield the gauges of a listing, which do not change."""
    own = {"publisher_id": listing.publisher, "agent_id": listing.agent}
    yield "marketplace_agent_active_installs", own, 19
    yield "marketplace_agent_invocations_in_progress", own, 4
    for register, value in registers(listing.tenants).items():
        labels = {**own, "kind": "tenants", "register": str(register)}
        yield "marketplace_agent_sketch_register", labels, value


def marketplace() -> Iterator[Sample]:
    """Yield the gauges that belong to no listing, at the end."""
    own = {"publisher_id": "acme", "agent_id": "finder", "alertstate": "firing"}
    for alert, severity, category, insight, more in FIRING:
        labels = {"alertname": alert, "severity": severity, "category": category}
        told = {"audience": "publisher", "insight": insight, "traffic": "period", **more}
        yield "ALERTS", {**own, **labels, **told}, 1


def openmetrics() -> str:
    """Return the whole day as OpenMetrics text."""
    families: dict[tuple[str, str], list[str]] = {}
    times = [END - STEP * (SAMPLES - index) for index in range(SAMPLES + 1)]
    for listing in LISTINGS:
        for name, labels, step in steps(listing):
            full = f"marketplace_agent_{name}"
            lines = families.setdefault(_family(full), [])
            for index, at in enumerate(times):
                lines.append(_line(full, labels, step * index, at))
        for name, labels, value in gauges(listing):
            # Every hour is enough for what does not change, and the end for an instant query.
            at_times = [*times[:-1:12], END]
            families.setdefault((name, "gauge"), []).extend(
                _line(name, labels, value, at) for at in at_times
            )
    for name, labels, value in marketplace():
        families.setdefault((name, "gauge"), []).append(_line(name, labels, value, END))
    last = "agent_analytics_last_span_timestamp_seconds"
    target = {"job": "agent-analytics", "instance": "demo:9464"}
    families[last, "gauge"] = [_line(last, target, at - 7, at) for at in times]
    text = [
        f"# TYPE {name} {kind}\n" + "\n".join(lines) for (name, kind), lines in families.items()
    ]
    return "\n".join([*text, "# EOF", ""])


def _family(name: str) -> tuple[str, str]:
    if name.endswith("_total"):
        return name.removesuffix("_total"), "counter"
    for suffix in ("_bucket", "_sum", "_count"):
        if name.endswith(suffix):
            return name.removesuffix(suffix), "histogram"
    return name, "gauge"


def _line(name: str, labels: Mapping[str, str], value: float, at: int) -> str:
    inside = ",".join(f'{key}="{text}"' for key, text in labels.items())
    return f"{name}{{{inside}}} {value!r} {at}"
