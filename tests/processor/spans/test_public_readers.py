"""Spans of an SDK whose private fields are not known are read by what everybody may read."""

from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext

from agent_analytics.processor._spans.sdk_access import PUBLIC


class Turned(SpanContext):
    """A context of others, whose ids stand elsewhere than they are said to be."""

    @property
    def span_id(self) -> int:
        """Return the id."""
        return 77


@pytest.mark.parametrize(
    ("context", "span_id"),
    [
        (SpanContext(11, 12, is_remote=False), 12),
        (Turned(11, 12, is_remote=False), 77),
        (SimpleNamespace(trace_id=11, span_id=13, trace_flags=0), 13),
    ],
    ids=["the SDK's", "a subclass", "a stranger"],
)
def test_ids_of_contexts(context: Any, span_id: int) -> None:  # noqa: ANN401 - of whatever class
    """An id is what the accessor of a context says, of whatever class that is."""
    span = ReadableSpan("x", context=context, parent=context, attributes={"a": 1})
    assert PUBLIC.attributes(span) == {"a": 1}
    assert PUBLIC.span_id(span) == PUBLIC.parent_id(span) == span_id
