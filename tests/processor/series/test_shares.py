"""Caps multiply: one exposition has its limits in samples and bytes, each publisher a share."""

import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.effort import examples
from tests.processor.rig import SAMPLES, Rig, chat, event, invoke, tool

from agent_analytics.exporters import exposition
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor, Limits
from agent_analytics.processor.catalogue import TOOL_SECONDS

MakeRig = Callable[..., Rig]
REFUSED: Final = "agent_analytics_refused_series_total"
OPENMETRICS: Final = "application/openmetrics-text"
SMALL: Final = Limits(max_samples=6_000, max_exposition_bytes=1_200_000)
#: What makes a name of 200 characters long in bytes.
STRETCHED: Final[Mapping[str, Callable[[str], str]]] = {
    "short": lambda name: name,
    "long": lambda name: name + "x" * (200 - len(name)),
    "quotes": lambda name: name + '"' * (200 - len(name)),
    "backslashes": lambda name: name + "\\" * (200 - len(name)),
    "lines": lambda name: name + "\n" * (200 - len(name)),
    "two bytes": lambda name: name + "é" * (200 - len(name)),
    "four bytes": lambda name: name + "\U0001f600" * (200 - len(name)),
}


def size(processor: AgentMetricsProcessor, accept: str = "text/plain") -> tuple[int, int]:
    """Return the samples and the bytes of a scrape."""
    body = exposition(processor, accept)[0]
    return sum(not line.startswith(b"#") for line in body.splitlines()), len(body)


class Scrape:
    """One scrape, parsed once: that takes long where names are full of escapes."""

    def __init__(self, rig: Rig) -> None:
        self.series = rig.series()

    def sum(self, metric: str, **labels: str) -> float:
        """Return the sum of the samples of a metric that have these labels."""
        names = (metric, f"marketplace_agent_{metric}")
        assert any(name in SAMPLES for name in names)
        wanted = set(labels.items())
        return sum(
            value
            for (sample, found), value in self.series.items()
            if sample in names and wanted <= set(found)
        )


def assert_within(rig: Rig, limits: Limits) -> Scrape:
    """See that a scrape keeps the limits, whatever its format, and takes what it says at most."""
    seen = Scrape(rig)
    for accept in ("text/plain", OPENMETRICS):
        samples, length = size(rig.processor, accept)
        assert samples <= limits.max_samples
        assert length <= limits.max_exposition_bytes
        assert samples <= seen.sum("agent_analytics_exposition_samples")
    assert size(rig.processor)[1] <= seen.sum("agent_analytics_exposition_bytes")
    return seen


def flood(
    rig: Rig,
    publisher: str,
    stretch: Callable[[str], str] = STRETCHED["short"],
    *,
    listings: int = 15,
    names: int = 5,
) -> int:
    """Use listings with as many tools, models, error types and evaluations; return the listings."""
    for number in range(listings):
        agent = stretch(f"agent-{number}")
        for name in (stretch(f"name-{place}") for place in range(names)):
            end = {v.OUTCOME: "error", v.ERROR_TYPE: name, v.REVENUE_USD: "0.01"}
            told = {v.AGENT_NAME: name, v.AGENT_VERSION: name}
            with rig.span(invoke(publisher, agent) | told, end):
                rig.run(tool(name))
                rig.run(chat(3, 5, name))
            score = {v.EVALUATION_NAME: name, v.EVALUATION_SCORE: 1}
            rig.run(event("evaluation", publisher, agent) | score)
    return listings


@pytest.mark.parametrize("stretched", list(STRETCHED))
def test_a_flood_leaves_the_neighbour_its_room(make_rig: MakeRig, stretched: str) -> None:
    """Whatever names one publisher makes up, the next has series of its own, and all is counted."""
    limits = Limits(max_samples=6_000, max_exposition_bytes=1_000_000)
    rig = make_rig(limits=limits)
    evil = STRETCHED[stretched]("evil")
    listings = flood(rig, evil, STRETCHED[stretched])
    for agent in ("one", "two", "three"):
        with rig.span(invoke("honest", agent)):
            rig.run(tool("search"))
            rig.run(chat(7, 11, "gpt"))
    seen = assert_within(rig, limits)
    assert seen.sum(REFUSED, cause="listing") > 0
    assert seen.sum(REFUSED, cause="publisher") == 0
    for agent in ("one", "two", "three"):
        ids = {"publisher_id": "honest", "agent_id": agent}
        assert seen.sum("invocations_total", **ids, outcome="success") == 1
        assert seen.sum("tool_calls_total", **ids, tool="search") == 1
        assert seen.sum("input_tokens_total", **ids, model="gpt") == 7
    assert seen.sum("invocations_total", publisher_id="honest", agent_id="_other") == 0
    calls = listings * 5
    assert seen.sum("invocations_total", publisher_id=evil) == calls
    assert seen.sum("invocation_errors_total", publisher_id=evil) == calls
    assert seen.sum("tool_calls_total", publisher_id=evil) == calls
    assert seen.sum("tool_call_duration_seconds_count", publisher_id=evil) == calls
    assert seen.sum("input_tokens_total", publisher_id=evil) == 3 * calls
    assert seen.sum("output_tokens_total", publisher_id=evil) == 5 * calls
    assert seen.sum("evaluation_score_count", publisher_id=evil) == calls
    assert seen.sum("revenue_usd_total", publisher_id=evil) == pytest.approx(calls / 100)


def test_a_sum_goes_to_other_of_the_listing_that_it_is_of(make_rig: MakeRig) -> None:
    """A listing that has series keeps its sums: what has no room is under its own ``_other``."""
    rig = make_rig(limits=SMALL)
    rig.run(invoke("evil", "mine"))
    flood(rig, "evil")
    for number in range(5):
        with rig.span(invoke("evil", "mine")):
            rig.run(tool(f"late-{number}"))
            rig.run(chat(2, 3, f"late-{number}"))
        rig.run(event("feedback", "evil", "mine") | {v.FEEDBACK_RATING: 4})
    seen = Scrape(rig)
    ids = {"publisher_id": "evil", "agent_id": "mine"}
    assert seen.sum("tool_calls_total", **ids, tool="_other") == 5
    assert seen.sum("inference_calls_total", **ids, model="_other") == 5
    assert seen.sum("output_tokens_total", **ids, model="_other") == 15
    assert seen.sum("feedback_rating_count", **ids) == 5


def test_one_publisher_alone_may_have_half(make_rig: MakeRig) -> None:
    """A publisher that is alone has much, and says when no more names of its get series."""
    rig = make_rig(limits=SMALL)
    flood(rig, "acme", listings=3)
    assert 0 < rig.value("agent_analytics_fullest_publisher_ratio") < 1
    flood(rig, "acme")
    seen = Scrape(rig)
    assert seen.sum("agent_analytics_fullest_publisher_ratio") > 0.9
    assert 0.4 < seen.sum("agent_analytics_exposition_filled_ratio", of="samples") <= 0.56
    assert seen.sum("agent_analytics_exposition_filled_ratio", of="bytes") < 1


def test_the_share_is_a_setting(make_rig: MakeRig) -> None:
    """Who serves one publisher alone may give it everything."""
    limits = Limits(max_samples=6_000, max_exposition_bytes=1_200_000, publisher_share=1.0)
    rig = make_rig(limits=limits)
    flood(rig, "acme", listings=60, names=3)
    seen = assert_within(rig, limits)
    assert seen.sum("agent_analytics_exposition_filled_ratio", of="samples") > 0.9


def test_many_greedy_publishers_leave_room_for_small_ones(make_rig: MakeRig) -> None:
    """Whoever comes after eight that take what they can still has series of their own."""
    limits = Limits(max_samples=50_000)
    rig = make_rig(limits=limits)
    for number in range(8):
        for agent in range(180):
            rig.run(invoke(f"evil-{number}", f"agent-{agent}"))
    rig.run(invoke("honest", "finder"))
    seen = assert_within(rig, limits)
    assert seen.sum("invocations_total", publisher_id="honest", agent_id="finder") == 1
    assert seen.sum("invocations_total") == 8 * 180 + 1


def test_publishers_without_end(make_rig: MakeRig) -> None:
    """Where there is no room for another publisher its sums are under ``_other``, and none lost."""
    rig = make_rig(limits=SMALL)
    for number in range(100):
        with rig.span(invoke(STRETCHED["four bytes"](f"p{number}"), f"agent-{number}")):
            rig.run(tool(f"tool-{number}"))
    seen = assert_within(rig, SMALL)
    assert seen.sum("invocations_total") == 100
    assert seen.sum("tool_calls_total") == 100
    assert seen.sum("invocations_total", publisher_id="_other") > 0


def test_names_and_versions_have_room_that_is_bounded(make_rig: MakeRig) -> None:
    """However long names and versions are, the newest is shown, cut between two characters."""
    rig = make_rig(limits=SMALL)
    rig.run(invoke() | {v.AGENT_NAME: "Finder", v.AGENT_VERSION: "1"})
    rig.run(invoke() | {v.AGENT_NAME: "\U0001f600" * 200, v.AGENT_VERSION: '"' * 200})
    (shown,) = [dict(labels) for name, labels in rig.series() if name == "marketplace_agent_info"]
    assert shown["agent_version"] == '"' * 64
    assert shown["agent_name"] == "\U0001f600" * 96
    rig.run(invoke() | {v.AGENT_NAME: "Finder", v.AGENT_VERSION: "2"})
    versions = [
        dict(labels)["agent_version"]
        for name, labels in rig.series()
        if name == "marketplace_agent_info"
    ]
    assert versions == ["2"]


def test_exemplars_leave_before_a_series_does(make_rig: MakeRig) -> None:
    """Exemplars have the room that series leave, and none where there is no such room."""
    limits = Limits(
        max_samples=100_000,
        max_exposition_bytes=500_000,
        publisher_share=1.0,
        tools_per_listing=200,
    )
    rig = make_rig(limits=limits)
    rig.run(invoke("acme", "first"))
    assert b"trace_id" in exposition(rig.processor, OPENMETRICS)[0]
    start = 1_700_000_000_000_000_000
    with rig.span(invoke("acme", "first")):
        for number in range(160):
            for seconds in (*TOOL_SECONDS, 1_000):
                told = tool(f"tool-{number}")
                span = rig.tracer().start_span("span", attributes=told, start_time=start)
                span.end(start + int(seconds * 1e9))
    assert rig.value("agent_analytics_exposition_filled_ratio", of="bytes") > 0.9
    assert size(rig.processor, OPENMETRICS)[1] <= limits.max_exposition_bytes


@pytest.mark.parametrize("stretched", ["short", "four bytes"])
def test_installs_that_a_callback_knows(stretched: str) -> None:
    """A marketplace that names its every listing at once keeps the limits, and the sum."""
    stretch = STRETCHED[stretched]
    known = {(stretch(f"p{number % 30}"), stretch(f"a{number}")): 2.0 for number in range(9_000)}
    known["acme", "\ud800"] = 2.0
    processor = AgentMetricsProcessor(0, limits=SMALL, active_installs=lambda: known)
    samples, length = size(processor)
    assert samples <= SMALL.max_samples
    assert length <= SMALL.max_exposition_bytes
    lines = exposition(processor)[0].decode().split("\n")
    counts = [
        float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith("marketplace_agent_active_installs{")
    ]
    assert sum(counts) == 2 * len(known)


# --- whatever comes ------------------------------------------------------------------------------

WORDS = st.sampled_from([*(f"w{number}" for number in range(30)), "unknown", "_other"])


def named(word: str, stretched: str) -> str:
    """Return a name made long."""
    return STRETCHED[stretched](word)


NAMES = st.builds(
    named, WORDS, st.sampled_from(["short", "short", "short", "quotes", "four bytes"])
)
CALLS = st.lists(
    st.tuples(
        st.sampled_from(["tool", "model", "error", "evaluation", "rating", "scrape"]),
        st.sampled_from(["a", "b", "c", "d" * 200, "\U0001f600" * 200]),
        NAMES,
        NAMES,
        st.integers(1, 12),
    ),
    max_size=60,
)


def call(rig: Rig, made: tuple[str, str, str, str, int]) -> None:
    """Make calls of some kind: with as many names, or as many times."""
    kind, publisher, agent, name, times = made
    for number in range(times):
        other = f"{name[:190]}{number}" if times > 6 else name
        end: dict[str, Any] = {v.REVENUE_USD: 1}
        if kind == "error":
            end |= {v.OUTCOME: "error", v.ERROR_TYPE: other}
        with rig.span(invoke(publisher, agent), end):
            if kind == "tool":
                rig.run(tool(other))
            elif kind == "model":
                rig.run(chat(2, 3, other))
        if kind == "evaluation":
            told = {v.EVALUATION_NAME: other, v.EVALUATION_SCORE: 1}
            rig.run(event("evaluation", publisher, agent) | told)
        elif kind == "rating":
            rig.run(event("feedback", publisher, agent) | {v.FEEDBACK_RATING: 5})


FIGURES: Final = {
    "tool": ("tool_calls_total", 1),
    "model": ("output_tokens_total", 3),
    "error": ("invocation_errors_total", 1),
    "evaluation": ("evaluation_score_count", 1),
    "rating": ("feedback_rating_count", 1),
}


@given(calls=CALLS, samples=st.integers(3_000, 6_000), share=st.sampled_from([0.2, 0.5, 1.0]))
@settings(max_examples=examples(15), deadline=None)
def test_limits_hold_and_totals_are_exact(
    calls: Iterable[tuple[str, str, str, str, int]], samples: int, share: float
) -> None:
    """Whoever calls what, no limit is passed, no sum is wrong, and no counter vanishes or falls."""
    limits = Limits(max_samples=samples, max_exposition_bytes=900_000, publisher_share=share)
    rig = Rig(limits=limits)
    truth: dict[str, int] = {}
    before: dict[Any, float] = {}
    for made in calls:
        kind, *_, times = made
        if kind != "scrape":
            call(rig, made)
            truth[kind] = truth.get(kind, 0) + times
            truth["all"] = truth.get("all", 0) + times
            continue
        now = rig.series()
        assert all(now.get(key, -1.0) >= old for key, old in before.items())
        before = {key: value for key, value in now.items() if key[0].endswith(("total", "bucket"))}
    seen = assert_within(rig, limits)
    assert seen.sum("invocations_total") == truth.get("all", 0)
    assert seen.sum("revenue_usd_total") == truth.get("all", 0)
    for kind, (metric, each) in FIGURES.items():
        assert seen.sum(metric) == each * truth.get(kind, 0)


def test_numbers_at_their_longest_are_reckoned_with(make_rig: MakeRig) -> None:
    """What is reckoned for a series when it is born is not less than what it takes ever."""
    rig = make_rig(limits=SMALL)
    draw = random.Random(5)
    for _ in range(60):
        with rig.span(invoke(), {v.REVENUE_USD: draw.random() * 1e7, v.OUTCOME: "timeout"}):
            rig.run(chat(10**14 + draw.randrange(10**9), 10**14, "m" * 200))
            rig.run(tool("\U0001f600" * 200))
    assert_within(rig, SMALL)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("publisher_share", 1.1),
        ("publisher_share", float("nan")),
        ("max_samples", 2_999),
        ("max_exposition_bytes", 499_999),
    ],
)
def test_limits_that_make_no_sense(name: str, value: float) -> None:
    """A share beyond the whole, or an exposition with room for nothing, is refused by its name."""
    with pytest.raises(ValueError, match=name):
        Limits(**{name: value})  # type: ignore[arg-type]  # what is being tested
