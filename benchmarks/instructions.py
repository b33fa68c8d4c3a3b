"""One workload, for ``test_instructions.py`` to count its instructions: WORKLOAD and NUMBER."""

import sys
from collections.abc import Callable, Iterator
from typing import Final

from benchmarks import foreign, workloads
from benchmarks.workloads import FAILED, SpanPlan
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer, set_span_in_context

from agent_analytics.instrumentation import agent, tenant, tool
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor


def _provider(resource: Resource | None = None, *, counted: bool) -> TracerProvider:
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    if counted:
        provider.add_span_processor(AgentMetricsProcessor(hold_seconds=0))
    trace.set_tracer_provider(provider)
    return provider


def _tracer(*, counted: bool) -> Tracer:
    return _provider(counted=counted).get_tracer("benchmark")


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


def _foreign(number: int, *, counted: bool) -> None:
    """Play recorded runs of frameworks, in turn, until there are as many spans."""
    tracers = foreign.Tracers(_provider(foreign.IDENTITY, counted=counted))
    played = 0
    while played < number:
        for run in foreign.recorded():
            played += foreign.play(tracers, run)


def _library(number: int, *, counted: bool) -> None:
    """Make requests and queries in a request that a service answers, with no agent at work."""
    provider = _provider(foreign.IDENTITY, counted=counted)
    plan = workloads.http_servers()
    tracer = provider.get_tracer(foreign.SERVER)
    around = set_span_in_context(tracer.start_span(plan.name, attributes=plan.attributes))
    tracer = provider.get_tracer(foreign.LIBRARY)
    for index in range(number):
        foreign.library(tracer, index, around)


def _library_in_run(number: int, *, counted: bool) -> None:
    """Make requests and queries in an agent of a framework."""
    provider = _provider(foreign.IDENTITY, counted=counted)
    tracer = provider.get_tracer("pydantic-ai")
    kind = {v.OPERATION_NAME: v.INVOKE_AGENT, v.AGENT_NAME: "finder"}
    agent_span = tracer.start_span("invoke_agent finder", attributes=kind)
    around = set_span_in_context(agent_span)
    tracer = provider.get_tracer(foreign.LIBRARY)
    for index in range(number):
        foreign.library(tracer, index, around)
    agent_span.end()


WORKLOADS: Final[dict[str, Callable[..., None]]] = {
    "invocation": _invocations,
    "tool": _tools,
    "decorated": _decorated,
    "stream": _streamed,
    "foreign": _foreign,
    "library": _library,
    "library in run": _library_in_run,
}

#: Of how many spans a workload is whole.
ONE_OF: Final = {"foreign": sum(len(run.parts) for run in foreign.recorded())}

if __name__ == "__main__":
    workload, counted, number = sys.argv[1:]
    WORKLOADS[workload](int(number), counted=counted == "counted")
