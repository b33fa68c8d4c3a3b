"""Spans that a service has seen the like of, for ``test_added.py``: WORKLOAD, HOW and NUMBER.

Every listing, tool, tenant and price of the spans that are counted has come twice before, as in a
service that has been up for a while. Collections of garbage are left out: when one comes depends on
what else is alive.
"""

import ctypes
import gc
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import Final
from unittest.mock import patch

from benchmarks import workloads
from benchmarks.baselines import TAKE_RATE, OTelMetricsProcessor
from benchmarks.workloads import FAILED, SpanPlan
from opentelemetry.context import Context
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import Tracer, set_span_in_context

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor
from agent_analytics.processor._spans.sdk_access import PUBLIC  # pyright: ignore[reportPrivateUsage]  # to compare

#: Spans that are seen before, twice; those that are counted are the last hundred of them.
BEFORE: Final = 700
LAST: Final = 100


def _with(plans: list[SpanPlan], **more: str | int) -> list[SpanPlan]:
    """Return plans that say more of themselves."""
    return [replace(plan, attributes={**plan.attributes, **more}) for plan in plans]


#: What spans are like: an invocation, the same with its version; a tool in an invocation, the same
#: with what the decorator says of its arguments and its result.
PLANS: Final[dict[str, Callable[[], list[SpanPlan]]]] = {
    "invocation": lambda: workloads.invocations(BEFORE),
    "version": lambda: _with(workloads.invocations(BEFORE), **{v.AGENT_VERSION: "1.4.0"}),
    "tool": lambda: workloads.tools(BEFORE, with_publisher=False),
    "details": lambda: _with(
        workloads.tools(BEFORE, with_publisher=False),
        **{v.TOOL_RESULT_BYTES: 2_000, v.TOOL_REPEATED: True},
    ),
}


def _apart(work: Callable[[], None]) -> None:
    """Run ``work`` inside ``ffi_call``, which callgrind can be told to count alone."""
    ctypes.CFUNCTYPE(None)(work)()


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
    inside = set_span_in_context(outer)
    plans = PLANS[workload]()
    context = None if plans[0].attributes[v.OPERATION_NAME] == v.INVOKE_AGENT else inside
    gc.disable()
    _run(tracer, [*plans, *plans], context)
    counted = (plans[-LAST:] * (number // LAST))[:number]
    _apart(lambda: _run(tracer, counted, context))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
