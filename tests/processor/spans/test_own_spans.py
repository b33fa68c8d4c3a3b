"""Rule 9: what others write on a decorated call's span, or its early end, changes no fact of it."""

import asyncio
import copy
import pickle
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanLimits, SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode
from tests.patience import patience
from tests.processor.rig import Rig

from agent_analytics.instrumentation import (
    agent,
    current_invocation,
    record_charge,
    record_install,
    record_invocation,
    tenant,
    tool,
    tracing,
)
from agent_analytics.instrumentation import vocabulary as v

MakeRig = Callable[..., Rig]
Written = Mapping[str, Any]


class BrokenError(Exception):
    """What an agent fails with."""


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Return a processor that the decorators' spans come to."""
    found = Rig()
    tracing.use_provider(found.provider)
    yield found
    tracing.use_provider(None)


@pytest.fixture
def make() -> Iterator[MakeRig]:
    """Return what makes a processor with other settings, for the decorators' spans."""

    def rig(span_limits: SpanLimits | None = None) -> Rig:
        found = Rig(span_limits=span_limits)
        tracing.use_provider(found.provider)
        return found

    yield rig
    tracing.use_provider(None)


def write(written: Written) -> None:
    """Write onto the current span, an attribute after the other, as LiteLLM does."""
    span = trace.get_current_span()
    for key, value in written.items():
        span.set_attribute(key, value)


def litellm(number: int, model: str = "gpt-4o") -> Written:
    """Return what the ``otel`` callback of LiteLLM 1.110 writes of one call, in its order."""
    return {
        "gen_ai.cost.total_cost": 0.25,
        "gen_ai.request.model": model,
        "llm.request.type": "chat",
        "gen_ai.system": "openai",
        "gen_ai.response.id": f"chatcmpl-{number}",
        "gen_ai.response.model": model,
        "gen_ai.usage.total_tokens": 30,
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.input.messages": "[]",
        "gen_ai.operation.name": "chat",
        "gen_ai.output.messages": "[]",
    }


def arize(number: int) -> Written:
    """Return what LiteLLM's ``arize`` callback writes, in OpenInference's words."""
    del number
    return {
        "openinference.span.kind": "LLM",
        "llm.model_name": "gpt-4o",
        "llm.token_count.prompt": 10,
        "llm.token_count.completion": 20,
    }


def older(number: int) -> Written:
    """Return what LiteLLM 1.79 writes, in OpenLLMetry's words."""
    return {
        "gen_ai.request.model": "gpt-4o",
        "llm.request.type": "completion",
        "gen_ai.response.id": f"chatcmpl-{number}",
        "llm.usage.total_tokens": 30,
        "gen_ai.usage.completion_tokens": 20,
        "gen_ai.usage.prompt_tokens": 10,
    }


def twin(number: int) -> Written:
    """Return what LiteLLM writes of a call by its asynchronous function."""
    named = {"llm.request.type": "acompletion", "gen_ai.operation.name": "acompletion"}
    return {**litellm(number), **named}


def older_twin(number: int) -> Written:
    """Return the same of an older version."""
    return {**older(number), "llm.request.type": "acompletion"}


def by_hand(number: int) -> Written:
    """Return what a program of its own writes, the conventions at hand."""
    del number
    return {"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 20}


def asked_once(number: int) -> Written:
    """Return what a program writes that names its model only the first time."""
    named = {} if number else {"gen_ai.request.model": "gpt-4o"}
    return {**named, **by_hand(number)}


@pytest.mark.parametrize("wrote", [litellm, twin, arize, older, older_twin, by_hand, asked_once])
def test_calls_that_a_library_writes_on_our_span_are_calls(
    rig: Rig, wrote: Callable[[int], Written]
) -> None:
    """Two calls in each of two invocations are four calls; the invocations stay what they are."""

    @agent(publisher_id="acme", agent_id="finder", price_usd="0.05")
    def find(number: int) -> None:
        write(wrote(2 * number))
        write(wrote(2 * number + 1))
        if number:
            raise BrokenError

    find(0)
    with pytest.raises(BrokenError):
        find(1)
    assert rig.value("invocations_total", outcome="success") == 1
    assert rig.value("invocations_total", outcome="error") == 1
    assert rig.value("revenue_usd_total") == 0.05
    assert rig.value("inference_calls_total", outcome="success") == 4
    assert rig.value("input_tokens_total") == 40
    assert rig.value("output_tokens_total") == 80


def test_models_that_are_written_one_after_the_other_do_not_mix(rig: Rig) -> None:
    """Each call counts for the model that it was written with."""

    @agent(publisher_id="acme", agent_id="finder")
    def find() -> None:
        write(litellm(1, "small"))
        write(litellm(2, "large"))
        write(litellm(3, "large"))

    find()
    assert rig.value("inference_calls_total", model="small") == 1
    assert rig.value("inference_calls_total", model="large") == 2
    assert rig.value("input_tokens_total", model="large") == 20


def test_a_call_that_is_written_in_a_tool_belongs_to_the_invocation(rig: Rig) -> None:
    """A library that writes on a tool's span changes neither its name nor its outcome."""

    @tool
    def ask() -> None:
        write({**litellm(1), "gen_ai.tool.name": "other", v.OUTCOME: "error"})

    @agent(publisher_id="acme", agent_id="finder")
    def find() -> None:
        ask()

    find()
    assert rig.value("tool_calls_total", tool="ask", outcome="success") == 1
    assert rig.value("tool_calls_total") == 1
    assert rig.value("inference_calls_total", agent_id="finder") == 1
    assert rig.value("output_tokens_total") == 20


def test_a_call_that_failed_is_written_with_its_exception(rig: Rig) -> None:
    """A failed call is one of its own; the invocation that went on without it is none."""

    @agent(publisher_id="acme", agent_id="finder")
    def find() -> None:
        span = trace.get_current_span()
        write({"gen_ai.request.model": "m", "gen_ai.operation.name": "chat"})
        span.record_exception(TimeoutError("text"))
        span.set_status(StatusCode.ERROR, "text")
        write(litellm(2, "m"))

    find()
    assert rig.value("invocations_total", outcome="success") == 1
    assert rig.value("inference_calls_total", outcome="timeout") == 1
    assert rig.value("inference_calls_total", outcome="success") == 1


def test_what_speaks_of_no_call_makes_none(rig: Rig) -> None:
    """Attributes of other kinds stay on the span and are no model call."""

    @agent(publisher_id="acme", agent_id="finder")
    def find() -> None:
        write({"gen_ai.request.model": "m", "gen_ai.agent.description": "d", "user.plan": "pro"})

    find()
    assert rig.value("inference_calls_total") == 0
    assert rig.value("invocations_total", agent_id="finder") == 1


def test_a_conversation_that_is_written_by_hand_counts(rig: Rig) -> None:
    """The conversation is nobody's fact but the program's."""

    @agent(publisher_id="acme", agent_id="finder")
    def find() -> None:
        write({v.CONVERSATION_ID: "c-1"})

    find()
    assert rig.value("sketch_register", kind="conversations") > 0


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([litellm, arize, older]),
    st.lists(st.randoms(use_true_random=False), max_size=6),
)
def test_any_order_of_keys_gives_the_calls_that_were_made(
    wrote: Callable[[int], Written], shuffles: list[Any]
) -> None:
    """Whatever order a library writes its keys in, calls are exact."""
    rig = Rig()
    tracing.use_provider(rig.provider)
    try:

        @agent(publisher_id="acme", agent_id="finder")
        def find() -> None:
            for number, random in enumerate(shuffles):
                written = list(wrote(number).items())
                random.shuffle(written)
                write(dict(written))

        find()
    finally:
        tracing.use_provider(None)
    assert rig.value("inference_calls_total") == len(shuffles)
    assert rig.value("input_tokens_total") == 10 * len(shuffles)
    assert rig.value("output_tokens_total") == 20 * len(shuffles)


# --- the end -------------------------------------------------------------------------------------


def test_a_library_that_ends_our_span_ends_nothing(rig: Rig) -> None:
    """A span that is ended from inside (LiteLLM 1.79) still has its outcome, price and usage."""

    @tool
    def search(*, fail: bool) -> None:
        trace.get_current_span().end()
        if fail:
            raise BrokenError

    @agent(publisher_id="acme", agent_id="finder", price_usd="0.05")
    def find(*, fail: bool) -> None:
        trace.get_current_span().end()
        current_invocation().add_usage(10, 20, model="m")
        search(fail=fail)

    find(fail=False)
    with pytest.raises(BrokenError):
        find(fail=True)
    for metric in ("invocations_total", "tool_calls_total"):
        assert rig.value(metric, outcome="success") == 1
        assert rig.value(metric, outcome="error") == 1
    assert rig.value("revenue_usd_total") == 0.05
    assert rig.value("input_tokens_total") == 20


def test_a_span_that_is_left_as_a_context_manager_goes_on(rig: Rig) -> None:
    """``with get_current_span()`` ends what it enters, and so must not end ours."""

    @agent(publisher_id="acme", agent_id="finder", price_usd="0.05")
    def find() -> None:
        with trace.get_current_span():
            pass
        with trace.use_span(trace.get_current_span(), end_on_exit=True):
            current_invocation().charge("0.10")

    find()
    assert rig.value("revenue_usd_total") == 0.15


class Ends(SpanProcessor):
    """Another vendor's processor, which has the span itself and ends it."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Keep the span."""
        del parent_context
        self.spans.append(span)


def test_a_span_that_its_sdk_ended_counts_when_the_call_ends(rig: Rig) -> None:
    """Who got hold of the span itself may end it: what is counted is still the call."""
    other = Ends()
    rig.provider.add_span_processor(other)

    @agent(publisher_id="acme", agent_id="finder", price_usd="0.05")
    def find() -> None:
        other.spans[-1].end(other.spans[-1].start_time)
        assert rig.value("invocations_total") == 0
        assert rig.value("invocations_in_progress") == 1
        current_invocation().fail("quota")

    find()
    assert rig.value("invocations_total", outcome="error") == 1
    assert rig.value("invocations_total") == 1
    assert rig.value("invocations_in_progress") == 0
    assert rig.value("invocation_errors_total", error_type="quota") == 1
    assert rig.value("invocation_duration_seconds_sum") > 0
    assert rig.value("revenue_usd_total") == 0


# --- limits, and other processors ----------------------------------------------------------------


def test_ids_that_a_length_limit_makes_equal_are_not_merged(make: MakeRig) -> None:
    """Ids travel whole, whatever ``OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`` cuts."""
    rig = make(span_limits=SpanLimits(max_attribute_length=4))
    long = "p" * 64
    for name, usd in (("one", "1"), ("two", "5")):
        publisher = f"{long}-{name}"

        @agent(publisher_id=publisher, agent_id=f"{long}-a", price_usd=usd)
        def find() -> None:
            search()

        @tool(name=f"{long}-{name}")
        def search() -> None:
            pass

        with tenant(f"{long}-{name}"):
            find()
            record_install(publisher_id=publisher, agent_id=f"{long}-a", tenant_id="t")
            record_charge(publisher_id=publisher, agent_id=f"{long}-a", tenant_id="t", usd="0.125")
            record_invocation(
                publisher_id=publisher,
                agent_id=f"{long}-a",
                duration_ms=1,
                success=True,
                tool_calls=[f"{long}-{name}"],
            )
        assert rig.value("revenue_usd_total", publisher_id=publisher) == float(usd) + 0.125
        assert rig.value("invocations_total", publisher_id=publisher, agent_id=f"{long}-a") == 2
        assert rig.value("installs_total", publisher_id=publisher) == 1
        assert rig.value("tool_calls_total", publisher_id=publisher, tool=f"{long}-{name}") == 2
    assert rig.value("invocations_total") == 4
    assert rig.value("sketch_register", kind="tenants") > 0


@pytest.mark.parametrize("most", [0, 1, 4])
def test_attributes_that_a_span_has_no_room_for_count(make: MakeRig, most: int) -> None:
    """Facts survive whatever number of attributes the SDK keeps, and what a program adds."""
    rig = make(span_limits=SpanLimits(max_span_attributes=most, max_attributes=most))

    @agent(publisher_id="acme", agent_id="finder", price_usd="0.05")
    def find() -> None:
        write({f"key.{number}": number for number in range(300)})
        current_invocation().add_usage(10, 20, model="m")

    find()
    assert rig.value("invocations_total", publisher_id="acme", outcome="success") == 1
    assert rig.value("revenue_usd_total") == 0.05
    assert rig.value("output_tokens_total", model="m") == 20


class Rewrites(SpanProcessor):
    """Another vendor's processor, which says something else than we do."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Name another agent, as processors with association properties do."""
        del parent_context
        span.set_attributes(
            {v.OPERATION_NAME: "chat", v.PUBLISHER_ID: "evil", v.AGENT_ID: "x", v.TENANT_ID: "y"}
        )

    def on_end(self, span: ReadableSpan) -> None:
        """Redact everything, as processors for privacy do."""
        attributes: Any = span.attributes
        private: Any = span
        private._attributes = dict.fromkeys(attributes, "***")  # noqa: SLF001 - what such do


@pytest.mark.parametrize("first", [True, False])
def test_another_processor_changes_no_fact(make: MakeRig, *, first: bool) -> None:
    """It does not matter who stands before us and rewrites the span."""
    rig = make()
    processors: Any = rig.provider
    rig.provider.add_span_processor(Rewrites())
    if first:
        multi = processors._active_span_processor  # noqa: SLF001 - no public order
        multi._span_processors = multi._span_processors[::-1]  # noqa: SLF001 - the same

    @agent(publisher_id="acme", agent_id="finder", price_usd="0.05", tenant="t")
    def find() -> None:
        search()

    @tool
    def search() -> None:
        pass

    find()
    assert rig.value("invocations_total", publisher_id="acme", agent_id="finder") == 1
    assert rig.value("invocations_total") == 1
    assert rig.value("tool_calls_total", tool="search", outcome="success") == 1
    assert rig.value("revenue_usd_total") == 0.05


# --- libraries with threads of their own ---------------------------------------------------------


def test_a_thread_that_writes_when_the_call_is_over_is_heard(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A callback that comes late counts whole, once nothing more was written for a moment."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    spans: list[trace.Span] = []
    written = list(litellm(1).items())

    with ThreadPoolExecutor(max_workers=1) as worker:

        def on_a_thread(part: Written) -> None:
            worker.submit(lambda: [s.set_attributes(part) for s in spans]).result(patience())

        @agent(publisher_id="acme", agent_id="finder")
        def find() -> None:
            spans.append(trace.get_current_span())
            on_a_thread(dict(written[:5]))

        find()
        on_a_thread(dict(written[5:9]))
        now[0] += 0.5
        assert rig.value("inference_calls_total") == 0
        on_a_thread(dict(written[9:]))
    now[0] += 2
    assert rig.value("inference_calls_total", agent_id="finder") == 1
    assert rig.value("input_tokens_total", agent_id="finder", model="gpt-4o") == 10
    assert rig.value("invocations_total") == 1


def test_threads_that_write_at_once_are_kept_apart(rig: Rig) -> None:
    """Calls that two threads write in turns do not mix."""
    turns = [threading.Event() for _ in range(len(litellm(0)) * 2 + 1)]

    def write_in_turns(span: trace.Span, number: int) -> None:
        for step, (key, value) in enumerate(litellm(number, f"m{number}").items()):
            assert turns[2 * step + number].wait(patience())
            span.set_attribute(key, value)
            turns[2 * step + number + 1].set()

    @agent(publisher_id="acme", agent_id="finder")
    def find() -> None:
        span = trace.get_current_span()
        threads = [threading.Thread(target=write_in_turns, args=(span, n)) for n in (0, 1)]
        for thread in threads:
            thread.start()
        turns[0].set()
        for thread in threads:
            thread.join()

    find()
    rig.processor.shutdown()
    for number in (0, 1):
        assert rig.value("inference_calls_total", model=f"m{number}") == 1
        assert rig.value("output_tokens_total", model=f"m{number}") == 20


def test_tasks_that_write_at_once_are_kept_apart(rig: Rig) -> None:
    """Calls that two tasks of one event loop write in turns do not mix."""

    async def write_in_turns(number: int) -> None:
        span = trace.get_current_span()
        for key, value in litellm(number, f"m{number}").items():
            span.set_attribute(key, value)
            await asyncio.sleep(0)

    @agent(publisher_id="acme", agent_id="finder")
    async def find() -> None:
        await asyncio.gather(write_in_turns(1), write_in_turns(2))

    asyncio.run(find())
    for number in (1, 2):
        assert rig.value("inference_calls_total", model=f"m{number}") == 1
        assert (
            rig.value("input_tokens_total", model=f"m{number}") == litellm(number)[v.INPUT_TOKENS]
        )


def test_an_answer_may_be_written_by_another_task(rig: Rig) -> None:
    """A callback in a task of its own completes the call that another task began."""
    asked = {v.OPERATION_NAME: "chat", v.REQUEST_MODEL: "gpt-4o"}
    answered = {v.INPUT_TOKENS: 10, v.OUTPUT_TOKENS: 20}

    async def write(written: Written) -> None:
        await asyncio.sleep(0)
        trace.get_current_span().set_attributes(written)

    @agent(publisher_id="acme", agent_id="finder")
    async def find() -> None:
        await asyncio.create_task(write(asked))
        await asyncio.create_task(write(answered))

    asyncio.run(find())
    assert rig.value("inference_calls_total") == 1
    assert rig.value("input_tokens_total", model="gpt-4o") == 10


# --- what the host sees --------------------------------------------------------------------------


def test_the_current_span_is_like_the_span(rig: Rig) -> None:
    """Type checks, attributes and marks of the program's own are those of the SDK's span."""
    other = Ends()
    rig.provider.add_span_processor(other)

    @agent(publisher_id="acme", agent_id="finder")
    def find() -> None:
        current: Any = trace.get_current_span()
        (raw,) = other.spans
        assert all(isinstance(current, kind) for kind in (trace.Span, ReadableSpan, Span))
        assert current == raw
        assert current.name == raw.name
        assert current.is_recording()
        current.set_attribute("mine", 1)
        current.mark = "x"
        assert raw.attributes is not None
        assert raw.attributes["mine"] == 1
        marked: Any = raw
        assert marked.mark == "x"
        current.update_name("renamed")
        current.add_event("e")
        assert raw.name == "renamed"
        assert raw.events[0].name == "e"

    find()


def test_the_current_span_is_copied_as_the_span_is(rig: Rig) -> None:
    """A copy is one of the SDK's span, and what cannot be pickled says so as the span does."""
    other = Ends()
    rig.provider.add_span_processor(other)

    @agent(publisher_id="acme", agent_id="finder")
    def find() -> None:
        current: Any = trace.get_current_span()
        (raw,) = other.spans
        assert type(copy.copy(current)) is type(raw)
        for pickled in (raw, current):
            with pytest.raises(TypeError, match="pickle"):
                pickle.dumps(pickled)

    find()
    assert rig.value("invocations_total") == 1


def test_an_end_that_is_set_past_the_method_ends_nothing(rig: Rig) -> None:
    """The SDK's private field for the end is the call's, too."""

    @agent(publisher_id="acme", agent_id="finder", price_usd="0.05")
    def find() -> None:
        current: Any = trace.get_current_span()
        setattr(current, "_end_time", 1)  # noqa: B010 - as others do, past the type

    find()
    assert rig.value("invocations_total") == 1
    assert rig.value("invocations_in_progress") == 0
    assert rig.value("revenue_usd_total") == 0.05


def test_an_exported_span_says_what_the_call_was(rig: Rig) -> None:
    """Elsewhere the span is read by its attributes: those of ours are written once more."""
    exporter = InMemorySpanExporter()
    rig.provider.add_span_processor(SimpleSpanProcessor(exporter))

    @agent(publisher_id="acme", agent_id="finder", price_usd="0.05")
    def find() -> None:
        trace.get_current_span().set_status(Status(StatusCode.OK))
        write(litellm(1))
        raise BrokenError

    with pytest.raises(BrokenError):
        find()
    call, own = exporter.get_finished_spans()
    assert own.status.status_code is StatusCode.ERROR
    assert own.attributes is not None
    assert own.attributes[v.OPERATION_NAME] == v.INVOKE_AGENT
    assert own.attributes[v.OUTCOME] == "error"
    assert own.parent is None
    assert call.name == "chat gpt-4o"
    assert call.parent is not None
    assert own.context is not None
    assert call.parent.span_id == own.context.span_id


def test_a_span_that_a_library_ended_is_exported_whole(rig: Rig) -> None:
    """It is exported once, when the call has ended, with what was written after that."""
    exporter = InMemorySpanExporter()
    rig.provider.add_span_processor(SimpleSpanProcessor(exporter))

    @agent(publisher_id="acme", agent_id="finder")
    def find() -> None:
        trace.get_current_span().end()
        assert not exporter.get_finished_spans()
        trace.get_current_span().set_attribute("later", 1)

    find()
    (own,) = exporter.get_finished_spans()
    assert own.attributes is not None
    assert own.attributes["later"] == 1
    assert own.attributes[v.OUTCOME] == "success"
