"""Rule 9: telemetry never hurts the host, whatever is written into attributes."""

import logging
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Status, StatusCode
from prometheus_client.parser import text_string_to_metric_families as parse_text
from tests.effort import examples
from tests.processor.rig import Rig, chat, event, invoke, odd, parse_openmetrics, tool

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import health
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor._spans.sdk_access import PUBLIC

NAMES = (
    v.OPERATION_NAME, v.AGENT_NAME, v.AGENT_VERSION, v.TOOL_NAME, v.REQUEST_MODEL,
    v.RESPONSE_MODEL, v.CONVERSATION_ID, v.INPUT_TOKENS, v.OUTPUT_TOKENS, v.CACHED_INPUT_TOKENS,
    v.REASONING_TOKENS, v.TIME_TO_FIRST_CHUNK, v.EVALUATION_NAME, v.EVALUATION_SCORE,
    v.ERROR_TYPE, v.PUBLISHER_ID, v.AGENT_ID, v.TENANT_ID, v.OUTCOME, v.REVENUE_USD,
    v.REFUND_USD, v.COST_USD, v.EVENT, v.EVENT_ID, v.FEEDBACK_RATING, v.USAGE_OWN,
    v.DURATION_UNKNOWN,
)  # fmt: skip
#: More digits than Python turns into text.
VAST = pytest.param(10**5_000, id="vast")
NASTY_TEXT = st.sampled_from(
    [
        "", " ", "\n", 'a"b', "a\\b", "\\n", "a\nb", "100%", "%d %s %(x)s", "{", '"} 1\n', "\0",
        "\r", "a\u2028b", "a\x85b", "\x1c", "\ud800", "NaN", "-1", "1e400", "1e-400", "0x10",
        "\u0661", "é" * 50, "x" * 201,
        "x" * 1_000_000, "<class 'a.B'>", "<class '", "._", ".", "_other",
        "invoke_agent", "execute_tool", "chat", "success", "error", "install", "usage",
    ]
)  # fmt: skip
SCALARS = st.one_of(
    NASTY_TEXT,
    st.text(max_size=10),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**30, -(10**30), 2**63, -1]),
    st.floats(),
    st.binary(max_size=5),
    st.none(),
)
VALUES = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=3),
    st.dictionaries(st.text(min_size=1, max_size=3), SCALARS, max_size=2),
    st.lists(st.dictionaries(st.text(min_size=1, max_size=3), SCALARS, max_size=1), max_size=2),
)
ATTRIBUTES = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6)
STARTS = st.sampled_from([invoke(), tool(), chat(3, 2), event("charge"), {}])


def settled(rig: Rig) -> dict[str, float]:
    """Return what well-formed spans of another publisher add to the sums."""
    with rig.span(invoke("valid", "v", tenant="t"), {v.OUTCOME: "success", v.REVENUE_USD: "0.05"}):
        rig.run(tool("t"))
        rig.run(chat(3, 2) | {v.COST_USD: "0.01"})
    rig.run(event("install", "valid", "v"))
    metrics = (
        "invocations_total", "tool_calls_total", "input_tokens_total", "output_tokens_total",
        "revenue_usd_total", "model_cost_usd_total", "installs_total",
    )  # fmt: skip
    return {metric: rig.value(metric, publisher_id="valid", agent_id="v") for metric in metrics}


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    spans=st.lists(st.tuples(STARTS, ATTRIBUTES, ATTRIBUTES, st.booleans()), max_size=5),
)
@pytest.mark.filterwarnings("ignore")
def test_nothing_written_into_attributes_does_harm(
    spans: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], bool]],
) -> None:
    """The processor never raises nor errs, what it exposes is valid, and others count exactly."""
    rig = Rig()
    before = health.internal_errors()

    def descend(left: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], bool]]) -> None:
        if not left:
            return
        start, at_start, at_end, failed = left[0]
        with rig.span(start | at_start, at_end) as span:
            if failed:
                span.add_event("exception", {"exception.type": at_end.get(v.ERROR_TYPE, "x")})
                span.set_status(Status(StatusCode.ERROR))
            descend(left[1:])

    logging.disable(logging.WARNING)
    try:
        descend(spans)
    finally:
        logging.disable(logging.NOTSET)
    assert health.internal_errors() == before
    first = settled(rig)
    text, openmetrics, sketches = (
        exposition(rig.processor, accept, part)[0].decode()
        for accept, part in (
            ("text/plain", "metrics"),
            ("application/openmetrics-text", "metrics"),
            ("text/plain", "sketches"),
        )
    )
    counts = [len(family.samples) for family in parse_text(text)]
    assert counts == [len(family.samples) for family in parse_openmetrics(openmetrics)]
    for family in parse_text(sketches):
        assert all(0 < sample.value < 1 for sample in family.samples)
    claims = [s | a | b for s, a, b, _ in spans]
    if not any(claim.get(v.PUBLISHER_ID) == "valid" for claim in claims):
        assert first == {
            "invocations_total": 1, "tool_calls_total": 1, "input_tokens_total": 3,
            "output_tokens_total": 2, "revenue_usd_total": 0.05, "model_cost_usd_total": 0.01,
            "installs_total": 1,
        }  # fmt: skip
    assert rig.value("invocations_in_progress") == 0
    assert rig.value("agent_analytics_open_spans") == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_value_of_any_kind_in_any_attribute(rig: Rig, name: str) -> None:
    """No attribute is read in a way that a value of another kind could break."""
    text = ("\ud800", 'a\0\r\n\\"%s', "")
    values = [{"a": [1]}, [{"a": 1}], 7, -1.5, float("nan"), True, b"x", *text]
    for value in values:
        for start in (invoke(), tool(), chat(3, 2), event("charge"), event("evaluation")):
            with rig.span(invoke("around")):
                rig.run(start | {name: value})
                rig.run(start, {name: value})
            rig.run(start, {name: value})
    assert settled(rig)["invocations_total"] == 1
    parse_openmetrics(exposition(rig.processor, "application/openmetrics-text")[0].decode())


@pytest.mark.parametrize(
    "value",
    ["5", -1, 1.5, float("nan"), float("inf"), 10**12, VAST, True, [5], odd(b"5"), odd({"a": 1})],
)
def test_tokens_that_are_refused(rig: Rig, value: object) -> None:
    """What is no number of tokens is refused and counted, and the call still counts."""
    with rig.span(invoke()):
        rig.run(chat(None, 7) | {v.INPUT_TOKENS: value})
    assert rig.value("input_tokens_total") == 0
    assert rig.value("output_tokens_total") == 7
    assert rig.value("inference_calls_total") == 1
    assert rig.refused("tokens") == 1


def test_tokens_in_a_double_are_tokens(rig: Rig) -> None:
    """Encoders of other languages know doubles only."""
    with rig.span(invoke()):
        rig.run(chat() | {v.INPUT_TOKENS: 12.0})
    assert rig.value("input_tokens_total") == 12


@pytest.mark.parametrize(
    "value", ["x", "", -0.01, float("nan"), float("-inf"), "1000001", VAST, True, [1], odd(b"1")]
)
@pytest.mark.parametrize(
    ("name", "metric"),
    [(v.REVENUE_USD, "revenue_usd_total"), (v.REFUND_USD, "refunds_usd_total")],
)
def test_amounts_that_are_refused(rig: Rig, name: str, metric: str, value: object) -> None:
    """What is no amount of money is refused and counted, and the invocation still counts."""
    rig.run(invoke(), {name: value})
    rig.run(event("charge") | {name: value})
    assert rig.value(metric) == 0
    assert rig.value("invocations_total") == 1
    assert rig.refused("amount") == 2


@pytest.mark.parametrize(
    ("attributes", "cause"),
    [
        (event("feedback"), "rating"),
        (event("feedback") | {v.FEEDBACK_RATING: 7}, "rating"),
        (event("feedback") | {v.FEEDBACK_RATING: "5"}, "rating"),
        (event("feedback") | {v.FEEDBACK_RATING: True}, "rating"),
        (event("evaluation") | {v.EVALUATION_SCORE: float("nan")}, "score"),
        (event("evaluation") | {v.EVALUATION_SCORE: 1.01}, "score"),
        (event("evaluation") | {v.EVALUATION_SCORE: -0.01}, "score"),
        (event("bribe"), "event"),
        ({v.EVENT: 7}, "event"),
        (event("install") | {v.EVENT_ID: 7}, "event"),
        (event("install") | {v.EVENT_ID: "x" * 201}, "event"),
        (invoke() | {v.TENANT_ID: 7}, "tenant"),
        (invoke() | {v.TIME_TO_FIRST_CHUNK: -1}, "first_chunk"),
        (invoke() | {v.TIME_TO_FIRST_CHUNK: "1"}, "first_chunk"),
    ],
)
def test_other_values_that_are_refused(rig: Rig, attributes: dict[str, Any], cause: str) -> None:
    """Every refusal is counted under its cause."""
    rig.run(attributes)
    assert rig.refused(cause) == 1
    assert rig.value("agent_analytics_refused_values_total") == 1
    for metric in ("feedback_rating", "evaluation_score", "time_to_first_chunk_seconds"):
        assert rig.value(f"{metric}_count") == 0


def test_an_event_whose_id_is_refused_counts(rig: Rig) -> None:
    """Without a usable id an event cannot be told to be a duplicate."""
    for _ in range(2):
        rig.run(event("install") | {v.EVENT_ID: ""})
    assert rig.value("installs_total") == 2


@pytest.mark.parametrize(("start", "end"), [(2_000, 1_000), (1, 40 * 24 * 3600 * 10**9)])
def test_durations_that_make_no_sense(rig: Rig, start: int, end: int) -> None:
    """A negative duration, or one of more than a month, counts as 0 and as refused."""
    for attributes in (invoke(), tool() | {v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"}):
        span = rig.tracer().start_span("x", attributes=attributes, start_time=start)
        span.end(end_time=end)
    assert rig.value("invocation_duration_seconds_count") == 1
    assert rig.value("invocation_duration_seconds_sum") == 0
    assert rig.value("tool_call_duration_seconds_sum") == 0
    assert rig.refused("duration") == 2


def test_a_call_of_unknown_duration(rig: Rig) -> None:
    """It is counted, and its duration is not."""
    with rig.span(invoke()):
        rig.run(tool() | {v.DURATION_UNKNOWN: True})
    assert rig.value("tool_calls_total") == 1
    assert rig.value("tool_call_duration_seconds_count") == 0


def _remembered(rig: Rig) -> int:
    """Return how many characters the processor keeps of what spans told it."""
    seen: set[int] = set()
    size = 0
    stack: list[object] = [rig.processor, vars(sys.modules[_OUTCOMES])]
    while stack:
        thing = stack.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, str):
            size += len(thing)
        elif isinstance(thing, dict):
            stack += [*thing.keys(), *thing.values()]
        elif isinstance(thing, list | tuple | set):
            stack += thing
        elif type(thing).__module__.startswith("agent_analytics"):
            names = [
                name for kind in type(thing).__mro__ for name in vars(kind).get("__slots__", ())
            ]
            stack += [getattr(thing, name, None) for name in names]
            stack.append(getattr(thing, "__dict__", {}))
        else:
            stack.append(getattr(thing, "__self__", None))
    return size


_OUTCOMES = "agent_analytics.processor._spans.outcomes"


def test_long_values_are_not_remembered(rig: Rig) -> None:
    """Megabytes of text in ids, names, types and amounts do not stay in memory."""
    before = _remembered(rig)
    for number in range(5):
        long = f"{number}" * 100_000
        start = invoke(tenant=long) | {v.CONVERSATION_ID: long, v.AGENT_NAME: long}
        end = {v.OUTCOME: "error", v.ERROR_TYPE: f"a.{long}", v.REVENUE_USD: f"{number}.{long}"}
        with rig.span(start, end):
            rig.run(tool(long))
            rig.run(chat(1, model=long))
        rig.run(event("install") | {v.EVENT_ID: long})
    assert rig.value("sketch_register", kind="tenants") > 0
    kept = _remembered(rig) - before
    assert kept < 110_000  # the latest name of the agent, to see that it did not change


@pytest.mark.usefixtures("expects_internal_errors")
@pytest.mark.parametrize("where", ["on_start", "on_end"])
def test_an_error_of_its_own_is_kept_from_the_host(
    rig: Rig, where: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is counted every time, logged once without the exception's text, and never raised."""

    def broken(_span: ReadableSpan) -> Any:  # noqa: ANN401 - it returns nothing
        raise ValueError("patient 4711 has gout")  # noqa: EM101, TRY003 - must not be logged

    monkeypatch.setattr(health, "_noted", set[str]())
    at_start = where == "on_start"
    readers = PUBLIC._replace(parent_id=broken) if at_start else PUBLIC._replace(end=broken)
    monkeypatch.setattr(rig.processor, "_public", readers)
    before = health.internal_errors()
    with caplog.at_level(logging.WARNING, logger="agent_analytics"):
        for _ in range(3):
            rig.run(invoke())
    assert health.internal_errors() == before + 3
    assert rig.value("agent_analytics_internal_errors_total") == before + 3
    assert len(caplog.records) == 1
    assert where in caplog.text
    assert "gout" not in caplog.text


def test_the_hosts_own_exception_passes_unmodified(rig: Rig) -> None:
    """What user code raises inside a span arrives as it was."""
    error = ValueError("mine")
    with pytest.raises(ValueError, match="mine") as raised, rig.span(invoke()):
        raise error
    assert raised.value is error
    assert rig.value("invocation_errors_total", error_type="ValueError") == 1
