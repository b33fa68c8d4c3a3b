"""One workload, for ``test_instructions.py`` to count its instructions: WORKLOAD and NUMBER."""

import sys
from collections.abc import Callable, Iterator
from typing import Final

from benchmarks import workloads
from benchmarks.workloads import FAILED, SpanPlan
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer, set_span_in_context

from agent_analytics.instrumentation import agent, tenant, tool
from agent_analytics.processor import AgentMetricsProcessor


def _tracer(*, counted: bool) -> Tracer:
    provider = TracerProvider(shutdown_on_exit=False)
    if counted:
        provider.add_span_processor(AgentMetricsProcessor(hold_seconds=0))
    trace.set_tracer_provider(provider)
    return provider.get_tracer("benchmark")


def _run(tracer: Tracer, plans: list[SpanPlan], *, inside: bool) -> None:
    context = None
    if inside:
        outer = tracer.start_span("outer", attributes=workloads.invocations(1)[0].attributes)
        context = set_span_in_context(outer)
    for plan in plans:
        span = tracer.start_span(plan.name, context, attributes=plan.attributes)
        if plan.fails:
            span.set_status(FAILED)
        span.end()


def _invocations(number: int, *, counted: bool) -> None:
    _run(_tracer(counted=counted), list(workloads.invocations(number)), inside=False)


def _tools(number: int, *, counted: bool) -> None:
    plans = list(workloads.tools(number, with_publisher=False))
    _run(_tracer(counted=counted), plans, inside=True)


def _decorated(number: int, *, counted: bool) -> None:
    _tracer(counted=counted)

    @tool
    def search(query: str) -> str:
        return query

    @agent(publisher_id="acme", agent_id="finder", price_usd="0.05")
    def find(question: str) -> str:
        return search(question)

    for index in range(number):
        with tenant(f"tenant-{index % 100}"):
            find("Where?")


def _streamed(number: int, *, counted: bool) -> None:
    _tracer(counted=counted)

    @agent(publisher_id="acme", agent_id="finder", price_usd="0.05")
    def find(question: str) -> Iterator[str]:
        yield from (question, question, question)

    for index in range(number):
        with tenant(f"tenant-{index % 100}"):
            for _ in find("Where?"):
                pass


WORKLOADS: Final[dict[str, Callable[..., None]]] = {
    "invocation": _invocations,
    "tool": _tools,
    "decorated": _decorated,
    "stream": _streamed,
}

if __name__ == "__main__":
    workload, counted, number = sys.argv[1:]
    WORKLOADS[workload](int(number), counted=counted == "counted")
