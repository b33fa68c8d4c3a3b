"""What understanding spans of other makes costs: spans of our own, and the others' themselves.

A processor that knows our own vocabulary alone stands for what there would be without dialects:
it asks nothing of a span but its operation, and follows no span that names no publisher but the
tools and model calls inside an invocation.
"""

# the comparison leaves in the very parts of the processor that are private
# pyright: reportPrivateUsage=false

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from benchmarks import workloads
from benchmarks.baselines import TAKE_RATE, NoOpProcessor
from benchmarks.measure import cpu_ns, interleaved, once, table, target
from benchmarks.workloads import FAILED, SpanPlan, window
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.trace import Tracer, set_span_in_context
from pytest_benchmark.fixture import BenchmarkFixture

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor, catalogue
from agent_analytics.processor._count.core import (
    Node,
    attributes_of,
    parent_id_of,
    read_end,
    span_id_of,
)
from agent_analytics.processor._spans import marks

ROUNDS: Final = 31
REQUESTS: Final = 60
TOOLS_EACH: Final = 5
BARE: Final = "no-op processor"
OWN: Final = "own vocabulary alone"
FULL: Final = "with dialects"

INVOCATIONS: Final = workloads.invocations(REQUESTS * (ROUNDS + 2))
TOOLS: Final = workloads.decorated_tools(REQUESTS * TOOLS_EACH * (ROUNDS + 2))
CLIENT: Final = workloads.http_clients()
QUERY: Final = workloads.queries()


class OwnVocabulary(AgentMetricsProcessor):
    """The processor without a look at anything but our own vocabulary."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Find whom a span belongs to."""
        attributes, span_id, parent_id = attributes_of(span), span_id_of(span), parent_id_of(span)
        operation = attributes.get(v.OPERATION_NAME)
        parent = self._open.get(parent_id) if parent_id is not None else None
        node: Node | None
        if operation is None:
            if parent is None:
                return
            node = Node(marks.OTHER, parent, parent.listing)
        else:
            node = self._beginnings.begin(operation, attributes, span, parent, parent_context)
            if node is None:
                return
        node.started = self._clock()
        self._open[span_id] = node
        if len(self._open) > self._open_spans.most:
            self._open_spans.give_up_oldest(node)

    def on_end(self, span: ReadableSpan) -> None:
        """Count a span that has ended."""
        attributes, span_id = attributes_of(span), span_id_of(span)
        node = self._open.pop(span_id, None)
        if node is None or node.kind == marks.OTHER:
            return
        fields = read_end(span)
        if node.kind == marks.TOOL:
            self._tools.end(node, attributes, span, span_id, fields)
        elif node.kind == marks.INVOCATION:
            self._invocations.end(node, attributes, span, span_id, fields)
        else:
            self._others.end(node, attributes, span, fields)
        self._counted()


def _tracers(processor: SpanProcessor) -> tuple[Tracer, Tracer, Tracer]:
    """Return tracers of the decorators, of a framework and of a library."""
    provider = TracerProvider(
        resource=Resource({v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"}), shutdown_on_exit=False
    )
    provider.add_span_processor(processor)
    return (
        provider.get_tracer("agent_analytics.instrumentation"),
        provider.get_tracer("pydantic-ai"),
        provider.get_tracer("opentelemetry.instrumentation.httpx"),
    )


Run = Callable[[tuple[Tracer, Tracer, Tracer], int], float]


class Subjects:
    """The processors, and what each has counted."""

    def __init__(self) -> None:
        self.own = OwnVocabulary(hold_seconds=0, take_rate=TAKE_RATE)
        self.full = AgentMetricsProcessor(hold_seconds=0, take_rate=TAKE_RATE)
        self.tracers = {
            BARE: _tracers(NoOpProcessor()),
            OWN: _tracers(self.own),
            FULL: _tracers(self.full),
        }

    @staticmethod
    def counted(processor: AgentMetricsProcessor, metric: catalogue.Metric) -> float:
        """Return the sum of a counter over all its series."""
        return sum(
            sample.value
            for family in processor.collect()
            for sample in family.samples
            if sample.name == metric.name
        )

    def compare(self, title: str, run: Run, names: Sequence[str] = (BARE, OWN, FULL)) -> float:
        """Print what each adds; return how many times that without dialects the rest adds."""
        variants = {name: partial(run, self.tracers[name]) for name in names}
        figures = interleaved(title, variants, ROUNDS)
        rows = [
            [name, f"{figures.cost(name):,.0f}", f"{figures.added(name, BARE):,.0f}"]
            for name in names
        ]
        table(("CPU ns per span", "total", "added"), rows)
        if OWN not in names:
            return figures.added(FULL, BARE)
        return figures.times(OWN, FULL, BARE)


def _requests(
    tracers: tuple[Tracer, Tracer, Tracer],
    number: int,
    inside: Callable[[tuple[Tracer, Tracer, Tracer], Context, int], int],
) -> float:
    """Return the cost of a span in invocations that hold others."""
    plans = window(INVOCATIONS, REQUESTS, number)
    spans = 0

    def work() -> None:
        nonlocal spans
        for index, plan in enumerate(plans):
            invocation = tracers[0].start_span(plan.name, attributes=plan.attributes)
            spans += 1 + inside(tracers, set_span_in_context(invocation), number * REQUESTS + index)
            if plan.fails:
                invocation.set_status(FAILED)
            invocation.end()

    cost = cpu_ns(work)
    return cost / spans


def _nothing(_: tuple[Tracer, Tracer, Tracer], __: Context, ___: int) -> int:
    return 0


def _span(tracer: Tracer, plan: SpanPlan, context: Context) -> None:
    tracer.start_span(plan.name, context, attributes=plan.attributes).end()


def _own_tools(tracers: tuple[Tracer, Tracer, Tracer], context: Context, number: int) -> int:
    for plan in TOOLS[number * TOOLS_EACH : (number + 1) * TOOLS_EACH]:
        _span(tracers[0], plan, context)
    return TOOLS_EACH


def _libraries(tracers: tuple[Tracer, Tracer, Tracer], context: Context, _: int) -> int:
    for plan in (CLIENT, CLIENT, QUERY, QUERY, QUERY):
        _span(tracers[2], plan, context)
    return 5


def test_own_vocabulary(benchmark: BenchmarkFixture) -> None:
    """Dialects add at most a tenth to what a span of our own vocabulary costs.

    Other spans inside an invocation have no target: each is asked once what it may be.
    """

    def work() -> dict[str, object]:
        measured: dict[str, object] = {}
        for title, inside in (
            ("Invocations", _nothing),
            ("Invocations with five decorated tools", _own_tools),
            ("Invocations with five spans of HTTP and databases", _libraries),
        ):
            subjects = Subjects()
            times = subjects.compare(
                f"{title}, {REQUESTS} requests x {ROUNDS} rounds",
                partial(_requests, inside=inside),
            )
            expected = REQUESTS * (ROUNDS + 1)
            for processor in (subjects.own, subjects.full):
                assert subjects.counted(processor, catalogue.INVOCATIONS) == expected
            if inside is not _libraries:
                target(f"{title}: cost with dialects / without", times, 1.1)
            measured[title] = times
        return measured

    once(benchmark, work)


def _foreign_run(tracers: tuple[Tracer, Tracer, Tracer]) -> int:
    """One run of a framework's agent: three model calls, each over HTTP, and two tool calls."""
    _, framework, library = tracers
    agent = framework.start_span(
        "invoke_agent finder",
        attributes={v.OPERATION_NAME: v.INVOKE_AGENT, v.AGENT_NAME: "finder"},
    )
    context = set_span_in_context(agent)
    for turn in range(3):
        call = framework.start_span(
            "chat gpt-large",
            context,
            attributes={v.OPERATION_NAME: v.CHAT, v.REQUEST_MODEL: "gpt-large"},
        )
        _span(library, CLIENT, set_span_in_context(call))
        call.set_attributes({v.INPUT_TOKENS: 900, v.OUTPUT_TOKENS: 40, "gen_ai.response.id": "r"})
        call.end()
        if turn < 2:
            framework.start_span(
                "execute_tool search",
                context,
                attributes={v.OPERATION_NAME: v.EXECUTE_TOOL, v.TOOL_NAME: "search"},
            ).end()
    agent.end()
    return 9


def test_foreign_run(benchmark: BenchmarkFixture) -> None:
    """Cost of a span in a framework's own run, of which a third are HTTP requests; no target."""

    def work() -> dict[str, object]:
        subjects = Subjects()

        def run(tracers: tuple[Tracer, Tracer, Tracer], _: int) -> float:
            spans = 0

            def runs() -> None:
                nonlocal spans
                for _ in range(REQUESTS):
                    spans += _foreign_run(tracers)

            cost = cpu_ns(runs)
            return cost / spans

        added = subjects.compare(
            f"Runs of a framework, {REQUESTS} x {ROUNDS} rounds", run, (BARE, FULL)
        )
        assert subjects.counted(subjects.full, catalogue.INVOCATIONS) == REQUESTS * (ROUNDS + 1)
        assert subjects.counted(subjects.full, catalogue.TOOL_CALLS) == 2 * REQUESTS * (ROUNDS + 1)
        return {"added_ns": added}

    once(benchmark, work)
