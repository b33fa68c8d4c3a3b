"""Who answers, where it is not ``/metrics`` of agent-analytics."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from agent_analytics.cli._doctor.http import Answer
from agent_analytics.processor import catalogue

_OURS: Final = "<title>agent-analytics</title>"
_ELSEWHERE: Final = (
    "The line `metrics on …`, which the service logs at its start, says where it serves: give that "
    "address to --metrics"
)
_OTHER_PORT: Final = (
    "Where the service could not take its port, set AGENT_ANALYTICS_METRICS_PORT to a free one, "
    "such as 9465, and name it in prometheus.yml"
)


def described(answer: Answer, totals: Mapping[str, float]) -> str:
    """Return what an answer that is no exposition of agent-analytics is, as the end of a sentence.

    Args:
        answer: The answer.
        totals: What was read of it by names of samples; empty where it is no exposition.
    """
    if _OURS in answer.text:
        return "the index of agent-analytics"
    if catalogue.SKETCH_REGISTER.name in totals:
        return "the sketches of agent-analytics"
    if totals:
        return f"an exposition of another program, with {_prefixes(totals)}"
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    server = answer.headers.get("Server", "").strip()
    by = f" by {server}" if server else ""
    if not answer.text.strip():
        return f"an empty answer{by}"
    return f"no exposition at all but {kind or 'something'}{by}"


def _prefixes(names: Iterable[str]) -> str:
    counted = Counter(name.partition("_")[0] for name in names)
    return ", ".join(f"{prefix}_*" for prefix, _ in counted.most_common(3))


def moved(address: str, what: str, *, asked: bool) -> str:
    """Return what to do about somebody else's answer.

    Args:
        address: What was asked.
        what: What it is, by :func:`described`.
        asked: Whether the address was given; else it is where the settings have it.
    """
    if what.endswith("of agent-analytics"):
        base = address.removesuffix("/sketches").removesuffix("/metrics").rstrip("/")
        return f"Give --metrics {base}/metrics."
    return f"{_ELSEWHERE}." if asked else f"{_ELSEWHERE}. {_OTHER_PORT}."
