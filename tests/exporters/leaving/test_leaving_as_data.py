"""The exporter's thread is everybody's: what it reads of a span is data, of Python's own types."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.trace import Link, Span, SpanContext, Status, StatusCode, TraceState
from tests.processor.spans.test_classes_of_strangers import ARMED, Armed

from agent_analytics.exporters._leaving.redaction import Policy
from agent_analytics.instrumentation.exact import are_exact, exact_attributes

TOOL = "gen_ai.tool.name"
provider = TracerProvider(shutdown_on_exit=False)
tracer = provider.get_tracer("truth")


def ends(what: object) -> Any:  # noqa: ANN401 - any value
    """Return what stood there, or end the thread that asks for it."""
    if ARMED:
        raise SystemExit(3)
    return what


class Context(SpanContext):
    """The context of a link, with properties of its own."""

    @property
    def span_id(self) -> int:
        """End the thread."""
        return int(ends(7))

    @property
    def trace_state(self) -> TraceState:
        """End the thread."""
        state: TraceState = ends(TraceState())
        return state


class Odd(Status):
    """A status with a property of its own."""

    @property
    def status_code(self) -> StatusCode:
        """End the thread."""
        code: StatusCode = ends(StatusCode.OK)
        return code


class Lies:
    """What says that its class is a text's, which the SDK believes."""

    @property  # type: ignore[misc]  # a class that lies of itself
    def __class__(self) -> Any:  # noqa: ANN401  # pyright: ignore[reportIncompatibleMethodOverride]  # as above
        return ends(str)

    def __len__(self) -> int:
        return 1


def named(key: str, value: Any) -> Callable[[], Span]:  # noqa: ANN401 - any value
    """Return what starts a span with an attribute."""

    def start() -> Span:
        span = tracer.start_span("x")
        span.set_attribute(key, value)
        return span

    return start


def with_status() -> Span:
    """Start a span that failed in a way of its own."""
    span = tracer.start_span("x")
    span.set_status(Odd(StatusCode.ERROR, Armed("text")))
    return span


def with_state() -> Span:
    """Start a span that is linked to one with a tracing state of its own."""
    state = TraceState([(Armed("ot"), Armed("th:8"))])
    return tracer.start_span("x", links=[Link(SpanContext(1, 2, True, None, state))])  # noqa: FBT003 - remote


HOSTILE: dict[str, Callable[[], Span]] = {
    "the name of an instrumentation": lambda: provider.get_tracer(
        Armed("a"), Armed("1"), Armed("https://x")
    ).start_span("x"),
    "a link's context": lambda: tracer.start_span(
        "x", links=[Link(Context(1, 2, is_remote=False))]
    ),
    "a tracing state": with_state,
    "a status": with_status,
    # lists in lists and mappings: opentelemetry-sdk 1.40 and later
    "a list in a list": named(TOOL, [[Armed("x")]]),
    "a mapping": named(TOOL, {"a": Armed("x")}),
    "a mapping in a list": named("gen_ai.usage.x", [{"a": Armed("x")}]),
    "what says that it is a text": named(TOOL, Lies()),
    "a list of what says so": named("gen_ai.response.finish_reasons", [Lies()]),
    "a figure that says so": named("gen_ai.usage.input_tokens", Lies()),
    "a kind": lambda: tracer.start_span("x", kind=Armed("kind")),
}


@pytest.fixture
def armed() -> Iterator[Callable[[], None]]:
    """Return what arms these objects, until the test is over."""
    yield lambda: ARMED.append(True)
    ARMED.clear()


@pytest.mark.parametrize("policy", [Policy(), Policy(content=True), Policy(attributes=("*",))])
@pytest.mark.parametrize("what", HOSTILE)
def test_nothing_of_a_strangers_class_is_run(
    what: str, policy: Policy, armed: Callable[[], None]
) -> None:
    """A span leaves, in the thread of the exporter, whatever is in it."""
    span = HOSTILE[what]()
    assert isinstance(span, ReadableSpan)
    span.end()
    armed()
    assert encode_spans([policy.span(span)]).resource_spans


def test_what_is_in_lists_and_mappings_is_exact() -> None:
    """What is kept of a span is exact at any depth, and is not looked at again."""
    made = exact_attributes({"a": ((Armed("x"), [Armed("y")]),), "b": {Armed("k"): (Armed("v"),)}})
    assert made == {"a": (("x", ("y",)),), "b": {"k": ("v",)}}
    assert type(made["a"][0][1][0]) is str
    assert all(type(key) is str for key in made["b"])
    assert not are_exact({"a": ((Armed("x"),),)})


def test_ids_stay_of_whatever_class_a_context_is() -> None:
    """A link to a context of another class is a link to its ids."""
    span = tracer.start_span("x", links=[Link(Context(1, 2, is_remote=True))])
    assert isinstance(span, ReadableSpan)
    span.end()
    (link,) = Policy().span(span).links
    assert (link.context.trace_id, link.context.span_id, link.context.is_remote) == (1, 2, True)


@pytest.mark.parametrize(
    "key",
    [
        "gen_ai.usage.jane@example.org",
        "marketplace.usage.Why is my salary so low?",
        "llm.token_count." + "x" * 300,
        "llm.cost.请把我的密码",
    ],
)
def test_a_key_may_be_a_text_too(key: str) -> None:
    """What stands for any name in the declaration stands for no sentence and no address."""
    assert Policy().attributes({key: 1, "gen_ai.usage.input_tokens": 2}) == {
        "gen_ai.usage.input_tokens": 2
    }
    assert Policy(attributes=("gen_ai.usage.*",)).attributes({"gen_ai.usage.@": 1})
