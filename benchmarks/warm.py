"""Spans that a service has seen the like of, for ``test_added.py``: WORKLOAD, HOW and NUMBER.

Every listing, tool, tenant and price of the spans that are counted has come twice before, as in a
service that has been up for a while. Collections of garbage are left out: when one comes depends on
what else is alive.
"""

import gc
import sys
import tempfile
from typing import Final
from unittest.mock import patch

from benchmarks import workloads
from benchmarks.baselines import TAKE_RATE, OTelMetricsProcessor
from benchmarks.workloads import FAILED, SpanPlan
from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import Tracer, set_span_in_context

from agent_analytics.processor import AgentMetricsProcessor
from agent_analytics.processor._spans.sdk_access import PUBLIC  # pyright: ignore[reportPrivateUsage]  # to compare

#: Spans that are seen before, twice; those that are counted are the last hundred of them.
BEFORE: Final = 700
LAST: Final = 100


def _processor(how: str) -> SpanProcessor | None:
    if how == "bare":
        return None
    if how == "otel":
        return OTelMetricsProcessor()
    if how == "public":
        with patch("agent_analytics.processor._wiring.readers", return_value=PUBLIC):
            return AgentMetricsProcessor(hold_seconds=0, take_rate=TAKE_RATE)
    state = tempfile.mkdtemp() if how == "durable" else None
    return AgentMetricsProcessor(0, state, take_rate=TAKE_RATE)


def _run(tracer: Tracer, plans: list[SpanPlan], context: Context | None) -> None:
    for plan in plans:
        span = tracer.start_span(plan.name, context, attributes=plan.attributes)
        if plan.fails:
            span.set_status(FAILED)
        span.end()


def main(workload: str, how: str, number: int) -> None:
    """Make spans: those that come before, and ``number`` more."""
    provider = TracerProvider(shutdown_on_exit=False)
    processor = _processor(how)
    if processor is not None:
        provider.add_span_processor(processor)
    tracer = provider.get_tracer("benchmark")
    outer = tracer.start_span("outer", attributes=workloads.invocations(1)[0].attributes)
    if workload == "invocation":
        plans, context = list(workloads.invocations(BEFORE)), None
    else:
        plans = list(workloads.tools(BEFORE, with_publisher=False))
        context = set_span_in_context(outer)
    gc.disable()
    _run(tracer, [*plans, *plans], context)
    _run(tracer, (plans[-LAST:] * (number // LAST))[:number], context)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
