"""Which series one of several evaluators keeps: those of its publishers.

Rules ask of one publisher at a time, so that each evaluator answers for its own as one would for
all. What agent-analytics says of itself is of no publisher and is kept by the first, except what
rules look up by target: of that each evaluator has its own.
"""

from typing import Final

from agent_analytics.insights._yaml import Yaml
from agent_analytics.processor import catalogue

_HASH: Final = "__tmp_shard"
#: Gauges of a target that are joined to listings; they are not added up.
_OF_TARGETS: Final = (catalogue.ACCOUNTING.name, catalogue.LAST_SPAN.name)


def of_shard(shard: int, shards: int) -> list[Yaml]:
    """Return the relabelling of samples that keeps what one of several evaluators answers for.

    Args:
        shard: Which one, from 0.
        shards: How many there are.
    """
    return [
        {
            "source_labels": ["publisher_id"],
            "modulus": shards,
            "target_label": _HASH,
            "action": "hashmod",
        },
        _is_of(0, "publisher_id", ""),
        _is_of(shard, "__name__", "|".join(_OF_TARGETS)),
        {"source_labels": [_HASH], "regex": str(shard), "action": "keep"},
        {"regex": _HASH, "action": "labeldrop"},
    ]


def _is_of(shard: int, label: str, regex: str) -> Yaml:
    return {
        "source_labels": [label],
        "regex": regex,
        "target_label": _HASH,
        "replacement": str(shard),
        "action": "replace",
    }
