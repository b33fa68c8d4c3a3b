"""A sampler that keeps sampling away from metrics."""

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import AlwaysRecordSampler, Decision, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes


class RecordAllSampler(AlwaysRecordSampler):
    """Records every span with its attributes; the wrapped sampler says which are sampled.

    The SDK's ``AlwaysRecordSampler`` alone is not enough: the built-in samplers return no
    attributes for a span that they drop, and so the span is recorded without those it was started
    with, whose it is among them.
    """

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Return the decision of the wrapped sampler, with recording in place of dropping."""
        result = self._root.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )
        if result.decision is not Decision.DROP:
            return result
        kept = {**(attributes or {}), **result.attributes}
        return SamplingResult(Decision.RECORD_ONLY, kept, result.trace_state)
