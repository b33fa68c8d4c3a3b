"""A sampler that keeps sampling away from metrics."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import sampling
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes, AttributeValue

from agent_analytics.instrumentation.tracing import watch_providers

_logger: Final = logging.getLogger("agent_analytics")


#: The SDK's own, from 1.45 on; earlier releases have none.
_STOCK: Final[type[Sampler] | None] = getattr(sampling, "AlwaysRecordSampler", None)


class RecordAllSampler(Sampler):
    """Records every span with its attributes; the wrapped sampler says which are sampled.

    The SDK's ``AlwaysRecordSampler`` is not enough: the built-in samplers return no attributes
    for a span that they drop, and so the span is recorded without those it was started with,
    whose it is among them.

    Args:
        root: Decides which spans are sampled.

    Raises:
        ValueError: ``root`` is no sampler.
    """

    def __init__(self, root: Sampler) -> None:
        if not callable(getattr(root, "should_sample", None)):
            msg = f"root: expected a sampler, got {root!r}"
            raise ValueError(msg)  # noqa: TRY004 - as every bad argument here
        self._root = root

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
        decided: Any = result  # its attributes are only half typed
        added: Mapping[str, AttributeValue] = decided.attributes
        kept = {**(attributes or {}), **added}
        return SamplingResult(Decision.RECORD_ONLY, kept, result.trace_state)

    def get_description(self) -> str:
        """Return what the sampler is called, with the wrapped one's name in it."""
        return f"RecordAllSampler{{{self._root.get_description()}}}"


def mend_sampler(owner: Any) -> None:
    """Make the sampler of a provider or a span keep what dropped spans are started with.

    A provider that was given the SDK's ``AlwaysRecordSampler`` is one that wants every span
    recorded; it gets the decision of ``RecordAllSampler``, and the log says so once.
    """
    # A provider has its sampler in public; of a span it can only be had past the public names.
    sampler: Any = getattr(owner, "sampler", None) or getattr(owner, "_sampler", None)
    if _STOCK is not None and type(sampler) is _STOCK and hasattr(sampler, "_root"):
        sampler.__class__ = RecordAllSampler
        _logger.warning(
            "agent-analytics: the SDK's AlwaysRecordSampler records spans that are not sampled "
            "without the attributes they are started with; it keeps them from now on. Use "
            "agent_analytics.processor.RecordAllSampler instead"
        )


watch_providers(mend_sampler)
