"""A text is counted as what it reads, whatever class it comes in; nothing of that class is run."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from enum import Enum, IntEnum, StrEnum
from typing import Any, Self, cast

import pytest
from opentelemetry import baggage, context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.trace import Status, StatusCode, set_span_in_context
from tests.patience import wait_for
from tests.processor.rig import Rig, chat, event, invoke, tool

from agent_analytics.exporters._leaving.redaction import Leaving, Policy
from agent_analytics.instrumentation import agent, tracing
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.exact import are_exact, exact, exact_attributes
from agent_analytics.processor import AgentMetricsProcessor, Limits


class Victims(str):
    """A text that is equal to every other and has the hash of an id of the victim's."""

    __slots__ = ("_victim",)
    _victim: str

    def __new__(cls, text: str, victim: str = "victim") -> Self:
        """Return a text with the hash of another."""
        made = super().__new__(cls, text)
        made._victim = victim
        return made

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash(self._victim)


class Claims:
    """No text, but an object that says that its class is ``str``, which the SDK believes."""

    def __init__(self, text: str, victim: str) -> None:
        self._text = text
        self._victim = victim

    @property  # type: ignore[misc]  # a class that lies of itself
    def __class__(self) -> Any:  # noqa: ANN401  # pyright: ignore[reportIncompatibleMethodOverride]  # as above
        return str

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash(self._victim)

    def __len__(self) -> int:
        return len(self._text)

    def __contains__(self, part: object) -> bool:
        return False

    def encode(self) -> bytes:
        """Return the text that it claims to be."""
        return self._text.encode()


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


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("made", [Victims, Claims])
def test_nobody_is_billed_by_two_hashes(
    rig: Rig, made: Callable[[str, str], Any], *, inside: bool
) -> None:
    """Ids that have the hashes of both of the victim's, and are equal to both, are not these."""
    rig.run(invoke("victim"))
    publisher, agent_id = made("evil", "victim"), made("other", "finder")
    with rig.span(invoke("victim")) if inside else nullcontext():
        rig.run(invoke(publisher, agent_id))
        rig.run(tool() | {v.PUBLISHER_ID: publisher, v.AGENT_ID: agent_id})
        rig.run(tool() | {v.PUBLISHER_ID: publisher})
        rig.run(event("install") | {v.PUBLISHER_ID: publisher, v.AGENT_ID: agent_id})
    assert rig.value("invocations_total", publisher_id="victim") == 1 + inside
    assert rig.value("tool_calls_total", publisher_id="victim") == 0
    assert rig.value("installs_total", publisher_id="victim") == 0
    evil = 1 if made is Victims else 0  # what is no text names nobody
    assert rig.value("invocations_total", publisher_id="evil", agent_id="other") == evil


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


def _ends_once_armed(name: str) -> Any:  # noqa: ANN401 - any method of a text
    def method(text: str, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - as above
        return _exits() if ARMED else getattr(str, name)(text, *given, **named)

    return method


#: True once texts of ``Armed`` end whatever thread reads them.
ARMED: list[bool] = []
Armed: Any = type(
    "Armed",
    (str,),
    {
        name: _ends_once_armed(name)
        for name in cast("dict[str, Any]", vars(Exits))
        if hasattr(str, name)
    },
)


@pytest.fixture
def armed() -> Iterator[Callable[[], None]]:
    """Return what arms these texts, until the test is over."""
    yield lambda: ARMED.append(True)
    ARMED.clear()


@pytest.mark.parametrize("failed", [False, True])
def test_an_open_span_does_not_end_the_thread_of_a_scrape(
    armed: Callable[[], None], *, failed: bool
) -> None:
    """Its name, its attributes and its instrumentation's name are read by others while it is open.

    The scrape counts what has ended in a span that is open for too long, and buries an agent that
    failed and was not ended.
    """
    rig = Rig(resource={v.PUBLISHER_ID: "acme"}, limits=Limits(open_run_seconds=10))
    tracer = rig.provider.get_tracer(Armed("langchain"), Armed("1.0"))
    top = tracer.start_span("x", attributes={"openinference.span.kind": "AGENT"})
    inside = set_span_in_context(top)
    call: dict[str, Any] = {
        "openinference.span.kind": "LLM",
        "llm.model_name": "m",
        "llm.token_count.prompt": 3,
    }
    tracer.start_span("m", inside, attributes=call).end()
    top.update_name(Armed("finder"))
    top.set_attributes({Armed("agent.name"): Armed("finder"), "tag.tags": (Armed("a"),)})
    top.add_event(Armed("said"))
    if failed:
        top.set_status(Status(StatusCode.ERROR))
    armed()
    rig.clock.now += 11
    assert rig.value("invocations_total", agent_id="finder") == failed
    assert rig.value("input_tokens_total", publisher_id="acme", model="m") == 3


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
