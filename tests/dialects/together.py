"""Recorded runs at the same time in one process, as concurrent tasks leave them."""

import heapq
from collections.abc import Mapping, Sequence
from typing import Any

from tests.dialects.replay import Recording

_SPREAD_IDS = 0x9E3779B97F4A7C15
#: Ids that models give their answers and calls: no two runs have them in common.
_MODEL_IDS = frozenset({"gen_ai.response.id", "gen_ai.tool.call.id", "tool_call.id"})
SECOND = 1_000_000_000


def copy_of(recording: Recording, number: int, begin_ns: int) -> Recording:
    """Return a recording with ids of its own, in a context of its own, that begins at a time."""

    def moved(value: str | None, bits: int) -> str | None:
        if not value:
            return None
        return format((int(value, 16) + number * _SPREAD_IDS) % (1 << bits), f"0{bits // 4}x")

    def moved_span(span: Mapping[str, Any]) -> dict[str, Any]:
        end = span.get("end_time_unix_nano")
        return {
            **span,
            "run": number,
            "trace_id": moved(span["trace_id"], 128),
            "span_id": moved(span["span_id"], 64),
            "parent_span_id": moved(span.get("parent_span_id"), 64),
            "start_time_unix_nano": span["start_time_unix_nano"] + shift,
            "end_time_unix_nano": end + shift if end else end,
            "links": [
                {"trace_id": moved(link["trace_id"], 128), "span_id": moved(link["span_id"], 64)}
                for link in span.get("links") or ()
            ],
            "attributes": {
                key: f"{value}-{number}" if key in _MODEL_IDS else value
                for key, value in span["attributes"].items()
            },
        }

    shift = begin_ns - min(
        span["start_time_unix_nano"]
        for span in [*recording["spans"], *recording["unfinished_spans"]]
    )
    return {
        kind: [moved_span(span) for span in recording[kind]]
        for kind in ("spans", "unfinished_spans")
    }


def interleaved(recordings: Sequence[Recording]) -> Recording:
    """Return one recording of several that run at the same time, each in its own order."""
    spans: list[Any] = []
    heap = [
        (one["spans"][0]["end_time_unix_nano"], number, 0)
        for number, one in enumerate(recordings)
        if one["spans"]
    ]
    heapq.heapify(heap)
    while heap:
        time, number, index = heapq.heappop(heap)
        ended = recordings[number]["spans"]
        spans.append(ended[index])
        if index + 1 < len(ended):
            following = max(time, ended[index + 1]["end_time_unix_nano"])
            heapq.heappush(heap, (following, number, index + 1))
    return {
        "spans": spans,
        "unfinished_spans": [span for one in recordings for span in one["unfinished_spans"]],
    }
