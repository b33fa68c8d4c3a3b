"""A text is counted as what it reads, whatever class it comes in; nothing of that class is run."""

from collections.abc import Callable, Mapping
from enum import Enum, IntEnum, StrEnum
from typing import Any

import pytest
from opentelemetry import baggage, context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.trace import Status, StatusCode
from tests.patience import wait_for
from tests.processor.conftest import Rig, chat, event, invoke, tool

from agent_analytics.exporters._redaction import Leaving, Policy
from agent_analytics.instrumentation import agent, tracing
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.exact import are_exact, exact, exact_attributes
from agent_analytics.processor import AgentMetricsProcessor


class Victims(str):
    """A text that is equal to every other and has the hash of the victim's id."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash("victim")


def _exits(*_: object, **__: object) -> Any:  # noqa: ANN401 - it never returns
    raise SystemExit(3)


#: A text all of whose methods end the program.
Exits: Any = type(
    "Exits",
    (str,),
    {
        name: _exits
        for name in dir(str)
        if name not in {"__class__", "__new__", "__init__", "__getattribute__", "__doc__"}
        and callable(getattr(str, name))
        and name not in {"__init_subclass__", "__subclasshook__"}
    },
)


class Called(StrEnum):
    """Names as members of an enumeration, which is how many programs keep them."""

    PUBLISHER = "acme"
    AGENT = "finder"
    TOOL = "search"
    MODEL = "m"


class Mixed(str, Enum):  # noqa: UP042 - the older way, whose text is "Mixed.AGENT"
    """The older way to write the same, whose members print as something else."""

    PUBLISHER = "acme"
    AGENT = "finder"
    TOOL = "search"
    MODEL = "m"


class Tokens(IntEnum):
    """A number of tokens by name."""

    SENT = 3


class Share(float):
    """A float of another class, as NumPy's is."""

    __slots__ = ()


Make = Callable[[str], Any]
MADE: Mapping[str, Make] = {
    "members of StrEnum": lambda text: {each.value: each for each in Called}.get(text, text),
    "members of str and Enum": lambda text: {each.value: each for each in Mixed}.get(text, text),
}


@pytest.mark.parametrize("made", MADE)
def test_a_text_counts_as_what_it_reads(rig: Rig, made: str) -> None:
    """Ids, tools, models, outcomes and errors come in classes of their own, and count the same."""

    def of(attributes: Mapping[str, Any]) -> dict[str, Any]:
        return {k: MADE[made](x) if type(x) is str else x for k, x in attributes.items()}

    with rig.span(of(invoke()), of({v.OUTCOME: "error", v.ERROR_TYPE: "KeyError"})):
        rig.run(of(tool()))
        rig.run(of(chat(3, 2)))
        rig.run(of(tool(None)), of({v.TOOL_NAME: "late"}))
    rig.run(of(event("install")), of({v.EVENT_ID: "e-1"}))
    ours = {"publisher_id": "acme", "agent_id": "finder"}
    assert rig.value("invocations_total", **ours, outcome="error") == 1
    assert rig.value("tool_calls_total", **ours, tool="search") == 1
    assert rig.value("tool_calls_total", **ours, tool="late") == 1
    assert rig.value("input_tokens_total", **ours, model="m") == 3
    assert rig.value("installs_total", **ours) == 1
    assert rig.value("invocation_errors_total", **ours, error_type="KeyError") == 1


def test_nobody_is_billed_by_an_equality(rig: Rig) -> None:
    """An id that is equal to every other, and has a victim's hash, is the id that it reads."""
    rig.run(invoke("victim"))
    rig.run(invoke(Victims("evil"), Victims("other")))
    rig.run(invoke("victim"), {v.PUBLISHER_ID: Victims("evil")})
    with rig.span(invoke("victim")):
        rig.run(tool() | {v.PUBLISHER_ID: Victims("evil")})
    assert rig.value("invocations_total", publisher_id="victim", agent_id="finder") == 3
    assert rig.value("invocations_total", publisher_id="evil", agent_id="other") == 1
    assert rig.value("tool_calls_total", publisher_id="victim") == 0


def test_a_span_of_others_whose_texts_end_the_program() -> None:
    """It is read in its own thread alone: what is kept of it, and read by others, is exact."""
    rig = Rig(resource={v.PUBLISHER_ID: "acme"})
    with rig.tracer("langchain").start_as_current_span(
        Exits("ChatModel"), attributes={"openinference.span.kind": "AGENT"}
    ) as span:
        span.set_attributes({v.AGENT_NAME: Exits("finder")})
        with rig.span({"openinference.span.kind": "TOOL"}) as inner:
            inner.set_attributes({"tool.name": Exits("search")})
    assert rig.value("invocations_total", publisher_id="acme", agent_id="finder") == 1
    assert rig.value("tool_calls_total", publisher_id="acme", tool="search") == 1


def test_an_exception_event(rig: Rig) -> None:
    """The type of an exception that an event names is a text, too."""
    with rig.span(invoke()) as span:
        span.add_event(Exits("exception"), {"exception.type": Exits("shop.Gone")})
        span.set_status(Status(StatusCode.ERROR))
    assert rig.value("invocation_errors_total", error_type="Gone") == 1


def test_baggage_of_a_class_of_its_own(rig: Rig) -> None:
    """Baggage that code of this process sets holds whatever it was given."""
    inside = baggage.set_baggage(v.PUBLISHER_ID, Exits("acme"))
    inside = baggage.set_baggage(v.AGENT_ID, Exits("finder"), inside)
    token = context.attach(inside)
    try:
        rig.run(tool())
    finally:
        context.detach(token)
    assert rig.value("tool_calls_total", publisher_id="acme", agent_id="finder") == 1


def test_numbers_count_as_what_they_are(rig: Rig) -> None:
    """Tokens may be members of an enumeration, amounts floats of another class."""
    with rig.span(invoke(), {v.REVENUE_USD: Share(0.5)}):
        rig.run(chat(Tokens.SENT, 2))
    assert rig.value("input_tokens_total", model="m") == 3
    assert rig.value("revenue_usd_total", publisher_id="acme") == 0.5


def _a_tenant() -> str:
    found: str = Exits("t-1")
    return found


def test_arguments_of_the_decorator(rig: Rig) -> None:
    """Ids given to a decorator are members of an enumeration as often as not."""

    @agent(
        publisher_id=Mixed.PUBLISHER,
        agent_id=Mixed.AGENT,
        tenant=_a_tenant,
    )
    def find() -> str:
        return "Platform 3"

    tracing.use_provider(rig.provider)
    try:
        find()
    finally:
        tracing.use_provider(None)
    assert rig.value("invocations_total", publisher_id="acme", agent_id="finder") == 1


class Kept(SpanExporter):
    """Keeps the names and agents of what is exported."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, object]] = []

    def export(self, spans: Any) -> SpanExportResult:  # noqa: ANN401 - the SDK's sequence
        """Keep spans."""
        self.spans += [(span.name, span.attributes.get(v.AGENT_NAME)) for span in spans]
        return SpanExportResult.SUCCESS


@pytest.mark.parametrize("counted", [False, True])
def test_one_text_does_not_end_the_export_of_all(*, counted: bool) -> None:
    """A text that ends the thread of the exporter would end the export of everybody's spans."""
    kept = Kept()
    provider = TracerProvider(shutdown_on_exit=False)
    if counted:
        provider.add_span_processor(AgentMetricsProcessor())
    provider.add_span_processor(BatchSpanProcessor(Leaving(kept, Policy())))
    tracer = provider.get_tracer("truth")
    evil = tracer.start_span(Exits("evil"), attributes={v.AGENT_NAME: Exits("x")})
    evil.add_event(Exits("exception"), {"exception.type": Exits("Gone")})
    evil.end()
    tracer.start_span("good").end()
    provider.force_flush()
    wait_for(lambda: len(kept.spans) == 2, "both spans leave")
    assert kept.spans == [("evil", "x"), ("good", None)]
    provider.shutdown()


def test_what_is_exact_stays_the_same() -> None:
    """Values of Python's own types are handed on; what sequences hold is looked at."""
    plain = {"a": "x", "b": 1, "c": 1.5, "d": True, "e": ("x", 1)}
    assert are_exact(plain)
    assert exact("x") is not None
    made = exact_attributes({Called.TOOL: (Exits("x"), Tokens.SENT), "b": [Share(0.5)]})
    assert are_exact(made)
    assert made == {"search": ("x", 3), "b": (0.5,)}
    assert not are_exact({"a": (Exits("x"),)})
    odd = object()
    assert exact(odd) is odd
