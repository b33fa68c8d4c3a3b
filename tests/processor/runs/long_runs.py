"""Long runs of many shapes, as somebody writes them who means to keep everybody else waiting.

Each shape starts its spans and returns what ends them, so that either can be measured.
"""

import sys
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Span, set_span_in_context
from tests.processor.rig import Clock

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor, Limits

#: Conventions of OpenTelemetry (opentelemetry-instrumentation-openai-v2 2.3, MCP of semconv 1.39).
CALL: Final[dict[str, str | int]] = {
    v.OPERATION_NAME: v.CHAT,
    v.REQUEST_MODEL: "gpt-4o",
    v.INPUT_TOKENS: 10,
    v.OUTPUT_TOKENS: 5,
}
TOOL: Final = {v.OPERATION_NAME: v.EXECUTE_TOOL, v.TOOL_NAME: "search"}
AGENT: Final = {v.OPERATION_NAME: v.INVOKE_AGENT}
NAMED: Final = {**AGENT, v.AGENT_NAME: "helper"}
PROTOCOL: Final = {"mcp.method.name": "tools/call", v.TOOL_NAME: "search"}
#: OpenInference (openinference-instrumentation-langchain 0.1.53).
CHAIN: Final = {"openinference.span.kind": "CHAIN"}
OI_AGENT: Final = {"openinference.span.kind": "AGENT"}
OI_CALL: Final[dict[str, str | int]] = {
    "openinference.span.kind": "LLM",
    "llm.model_name": "gpt-4o",
    "llm.token_count.prompt": 10,
    "llm.token_count.completion": 5,
}
STEP: Final = {**OI_AGENT, "metadata": '{"langgraph_node": "agent", "langgraph_step": 1}'}
#: A span of the user's own, which may say what it is when it ends.
UNDECIDED: Final[dict[str, str]] = {}
OWN: Final = {**AGENT, v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"}
ANSWER: Final = "resp-0123456789abcdef0123456789abcdef"

OTEL: Final = "opentelemetry.instrumentation.openai_v2"
OI: Final = "openinference.instrumentation.langchain"
OI_OPENAI: Final = "openinference.instrumentation.openai"

Attributes = Mapping[str, Any]
Ending = Callable[[], None]
ROOT: Final = Context()


class Host:
    """A process of one publisher's, whose runs are long.

    Attributes:
        clock: The processor's.
        processor: The processor.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.clock = Clock(1_000.0)
        self._now_ns = 1_800_000_000 * 10**9
        self.processor = AgentMetricsProcessor(0, limits=limits, clock=self.clock)
        self.provider = TracerProvider(
            resource=Resource({v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"}),
            shutdown_on_exit=False,
        )
        self.provider.add_span_processor(self.processor)

    def start(self, attributes: Attributes, parent: Span | None = None, scope: str = OTEL) -> Span:
        """Start a span, in none if there is no parent."""
        around = ROOT if parent is None else set_span_in_context(parent, ROOT)
        return self.provider.get_tracer(scope).start_span(
            "span", around, attributes=dict(attributes), start_time=self.tick()
        )

    def tick(self) -> int:
        """Return the next microsecond, in nanoseconds since 1970."""
        self._now_ns += 1_000
        return self._now_ns

    def end(self, spans: Iterable[Span]) -> None:
        """End spans, one after the other."""
        for span in spans:
            span.end(self.tick())

    def total(self, name: str) -> float:
        """Return the sum of a metric's samples."""
        return sum(
            sample.value
            for family in self.processor.collect()
            for sample in family.samples
            if sample.name == name
        )


Shape = Callable[[Host, int], Ending]


def ends(host: Host, spans: list[Span]) -> Ending:
    """Return what ends spans, the last first."""
    return lambda: host.end(reversed(spans))


def nested(*kinds: Attributes, scopes: tuple[str, ...] = (OTEL,)) -> Shape:
    """Return the shape of a run whose spans are in each other, of some kinds in turn."""

    def begin(host: Host, number: int) -> Ending:
        spans = [host.start(NAMED)]
        for index in range(number):
            kind, scope = kinds[index % len(kinds)], scopes[index % len(scopes)]
            spans.append(host.start(kind, spans[-1], scope))
        return ends(host, spans)

    return begin


def wide(
    *kinds: Attributes, scopes: tuple[str, ...] = (OTEL,), top: Attributes = NAMED, ids: int = 0
) -> Shape:
    """Return the shape of a run whose spans are side by side, ``ids`` of them of each answer."""

    def begin(host: Host, number: int) -> Ending:
        spans = [host.start(top)]
        for index in range(number):
            kind = dict(kinds[index % len(kinds)])
            if ids:
                kind[v.RESPONSE_ID] = f"{ANSWER}{index // ids}"
            spans.append(host.start(kind, spans[0], scopes[index % len(scopes)]))
        return ends(host, spans)

    return begin


def steps_below(kind: Attributes) -> Shape:
    """Return the shape of many spans at the end of a long chain of steps."""

    def begin(host: Host, number: int) -> Ending:
        spans = [host.start(NAMED)]
        for _ in range(number // 2):
            spans.append(host.start({}, spans[-1], OI))
        last = spans[-1]
        spans += [host.start(kind, last, (OTEL, OI)[index % 2]) for index in range(number // 2)]
        return ends(host, spans)

    return begin


def views_of_one(host: Host, number: int) -> Ending:
    """Start a call that as many instrumentations record as there are spans."""
    top = host.start(NAMED)
    spans = [host.start(CALL, top, f"openinference.instrumentation.n{n}") for n in range(number)]
    return ends(host, [top, *spans])


def two_towers(host: Host, number: int) -> Ending:
    """Start two calls side by side, each with as many views in each other."""
    spans = [host.start(NAMED)]
    for scope in (OTEL, OI_OPENAI):
        above = spans[0]
        for _ in range(number // 2):
            above = host.start(CALL, above, scope)
            spans.append(above)
    return ends(host, spans)


def traces(kind: Attributes, *scopes: str, held: bool = False) -> Shape:
    """Return the shape of runs of one owner, each in a trace of its own.

    Args:
        kind: What each is.
        scopes: Who records them, in turn.
        held: Whether an agent of another instrumentation goes on meanwhile.
    """

    def begin(host: Host, number: int) -> Ending:
        around = [host.start(NAMED, scope="strands.telemetry.tracer")] if held else []

        def end() -> None:
            for index in range(number):
                host.end([host.start(kind, scope=scopes[index % len(scopes)])])
            host.end(around)

        return end

    return begin


def agents_seen_by_two(host: Host, number: int) -> Ending:
    """Start agents in each other, two instrumentations in turn, each in a trace of its own."""
    kinds = (NAMED, {**OI_AGENT, "agent.name": "helper"})
    scopes = ("strands.telemetry.tracer", OI)
    return ends(host, [host.start(kinds[n % 2], scope=scopes[n % 2]) for n in range(number)])


def traces_in_each_other(host: Host, number: int) -> Ending:
    """Start runs in each other, each in a trace of its own."""
    scopes = ("strands.telemetry.tracer", OI, OTEL)
    kinds = (NAMED, OI_AGENT, TOOL)
    return ends(host, [host.start(kinds[n % 3], scope=scopes[n % 3]) for n in range(number)])


def late_children(host: Host, number: int) -> Ending:
    """Start an agent that ends, and is counted, before the calls in it."""
    top = host.start(NAMED)
    spans = [host.start(CALL, top) for _ in range(number)]

    def end() -> None:
        top.end()
        host.clock.now += 61
        host.end([host.start(CALL)])  # whoever ends a span counts what has waited for too long
        host.end(spans)

    return end


def children_last(host: Host, number: int) -> Ending:
    """Start an agent that ends before the calls in it, which end in the order of their starts."""
    top = host.start(NAMED)
    spans = [host.start(CALL, top) for _ in range(number)]
    return ends(host, [*reversed(spans), top])


def never_ended(host: Host, number: int) -> Ending:
    """Start agents that nobody ends, each with a call that ends."""
    tops = [host.start(NAMED) for _ in range(number)]
    spans = [host.start(CALL, top) for top in tops]

    def end() -> None:
        ends(host, spans)()
        host.clock.now += 3_601
        host.processor.snapshot()
        tops.clear()

    return end


def given_up(host: Host, number: int) -> Ending:
    """Start spans beyond the number that may be open."""
    top = host.start(NAMED)

    def end() -> None:
        spans = [host.start(CALL, top) for _ in range(number)]
        ends(host, [top, *spans])()

    return end


def decorated_in_steps(host: Host, number: int) -> Ending:
    """Start a long chain of steps, and invocations of the user's own at its end."""
    spans = [host.start(NAMED)]
    for _ in range(number // 2):
        spans.append(host.start(CHAIN, spans[-1], OI))
    own = {**OWN, v.AGENT_ID: "other"}

    def end() -> None:
        for _ in range(number // 2):
            host.end([host.start(own, spans[-1], "app")])
        ends(host, spans)()

    return end


def decorated_chain(host: Host, number: int) -> Ending:
    """Start invocations of the user's own in each other, each with a call."""
    spans: list[Span] = []
    for index in range(number):
        above = spans[-1] if spans else None
        spans.append(host.start(OWN if index % 2 == 0 else CALL, above, "app"))
    return ends(host, spans)


def comb(kind: Attributes, leaf: Attributes, top: Attributes = UNDECIDED) -> Shape:
    """Return the shape of spans in each other, each with another below it that has ended.

    Args:
        kind: What each is.
        leaf: What is below each.
        top: What is round all of them.
    """

    def begin(host: Host, number: int) -> Ending:
        spans = [host.start(top, scope="app")]
        for _ in range(number // 2):
            spans.append(host.start(kind, spans[-1], "app"))
            host.end([host.start(leaf, spans[-1])])
        return ends(host, spans)

    return begin


def started_late(leaf: Attributes) -> Shape:
    """Return the shape of spans that start in an agent which has ended, while a call goes on."""

    def begin(host: Host, number: int) -> Ending:
        top = host.start(NAMED)
        call = host.start(CALL, top)
        host.end([top])

        def end() -> None:
            for _ in range(number):
                host.end([host.start(leaf, top)])
            host.end([call])

        return end

    return begin


SHAPES: Final[dict[str, Shape]] = {
    "calls in each other": nested(CALL),
    "calls in each other, of two instrumentations": nested(CALL, OI_CALL, scopes=(OTEL, OI_OPENAI)),
    "tools in each other": nested(TOOL),
    "tools in each other, of two instrumentations": nested(TOOL, scopes=(OTEL, OI)),
    "agents in each other": nested(AGENT),
    "agents without a name in each other": nested(OI_AGENT, scopes=(OI,)),
    "workflows in each other": nested(CHAIN, scopes=(OI,)),
    "workflows and calls in turn": nested(CHAIN, OI_CALL, scopes=(OI,)),
    "tools and calls in turn": nested(TOOL, CALL),
    "agents, tools and calls in turn": nested(NAMED, TOOL, CALL),
    "tools over a protocol in each other": nested(TOOL, PROTOCOL, scopes=(OTEL, "mcp")),
    "steps of graphs in each other": nested(STEP, OI_CALL, scopes=(OI,)),
    "calls at the end of steps": steps_below(CALL),
    "tools at the end of steps": steps_below(PROTOCOL),
    "calls side by side": wide(CALL),
    "calls side by side, of two instrumentations": wide(CALL, OI_CALL, scopes=(OTEL, OI_OPENAI)),
    "calls with one answer": wide(CALL, ids=1_000_000),
    "calls with an answer each": wide(CALL, ids=2),
    "tools side by side": wide(TOOL, scopes=(OTEL, OI)),
    "tools over a protocol": wide(TOOL, PROTOCOL, scopes=(OTEL, "mcp")),
    "agents side by side": wide(NAMED, top=CHAIN),
    "agents side by side in a request": wide(NAMED, top={}),
    "graphs side by side": wide(STEP, CHAIN, scopes=(OI,), top=CHAIN),
    "views of one call": views_of_one,
    "two calls with views in each other": two_towers,
    "traces of calls": traces(CALL, OTEL),
    "traces of calls, of two instrumentations": traces(CALL, OTEL, OI_OPENAI),
    "traces of agents": traces(NAMED, OTEL, OI),
    "traces of calls in an agent that goes on": traces(CALL, OTEL, OI_OPENAI, held=True),
    "traces of tools in an agent that goes on": traces(TOOL, OTEL, OI, held=True),
    "traces in each other": traces_in_each_other,
    "agents in each other, each in a trace of its own": agents_seen_by_two,
    "calls that end after all was counted": late_children,
    "calls that end after their agent": children_last,
    "agents that never end": never_ended,
    "spans beyond the cap": given_up,
    "invocations at the end of steps": decorated_in_steps,
    "invocations in each other": decorated_chain,
    "requests in each other, with a call each": comb(UNDECIDED, CALL),
    "requests in each other, with a call of one answer each": comb(
        UNDECIDED, {**CALL, v.RESPONSE_ID: ANSWER}
    ),
    "requests in each other, with a tool each": comb(UNDECIDED, TOOL),
    "requests in each other, with an agent each": comb(UNDECIDED, NAMED),
    "requests in each other in an invocation, with a call each": comb(UNDECIDED, CALL, OWN),
    "agents in each other, with a call each": comb(OI_AGENT, CALL),
    "tools that start after their agent": started_late(TOOL),
    "calls that start after their agent": started_late(CALL),
}


@contextmanager
def counted_lines(lines: list[int], part: str = "/agent_analytics/processor/") -> Generator[None]:
    """Add up the lines of the processor that run, which are the same at every run."""
    count = 0

    def local(_: object, event: str, __: object) -> object:
        nonlocal count
        if event == "line":
            count += 1
        return local

    def trace(frame: FrameType, _: str, __: object) -> object:
        return local if part in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]  # a function of any kind will do
    try:
        yield
    finally:
        sys.settrace(before)
        lines.append(count)


__all__ = ["SHAPES", "Host", "Shape", "counted_lines"]
