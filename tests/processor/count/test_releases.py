"""What each version of a listing does is counted beside everything else, by its literal version."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from tests.effort import examples
from tests.processor.rig import Rig, chat, event, invoke, odd, tool

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import Limits
from agent_analytics.processor._caps.sizes import MOST_VERSION_BYTES
from agent_analytics.processor._count.releases import QUIET_SECONDS

MakeRig = Callable[..., Rig]
INVOCATIONS = "release_invocations_total"
DAY = QUIET_SECONDS


def versions(rig: Rig, **wanted: str) -> dict[str, float]:
    """Return the invocations of each version that is shown."""
    found: dict[str, float] = {}
    for (name, labels), value in rig.series().items():
        of = dict(labels)
        if name == f"marketplace_agent_{INVOCATIONS}" and wanted.items() <= of.items():
            found[of["version"]] = found.get(of["version"], 0) + value
    return found


def release(rig: Rig, version: object, agent: str = "finder", times: int = 1) -> None:
    """Run invocations of a version."""
    for _ in range(times):
        rig.run(invoke(agent=agent) | ({} if version is None else {v.AGENT_VERSION: version}))


def test_figures_of_a_version(rig: Rig) -> None:
    """Outcomes, slow successes, cost and ratings are counted by the version that was counted."""
    one, two = {v.AGENT_VERSION: "1.0"}, {v.AGENT_VERSION: "2.0"}
    tracer = rig.tracer()
    for seconds, outcome in (
        (10.0, "success"),
        (10.001, "success"),
        (400, "success"),
        (60, "error"),
    ):
        span = tracer.start_span("call", attributes=invoke() | one, start_time=10**18)
        span.set_attribute(v.OUTCOME, outcome)
        span.end(10**18 + round(seconds * 10**9))
    for outcome in ("timeout", "cancelled"):
        rig.run(invoke() | one, {v.OUTCOME: outcome})
    rig.run(event("feedback") | {v.FEEDBACK_RATING: 4})
    rig.run(invoke() | two, {v.COST_USD: "0.25"})
    with rig.span(invoke() | two, {v.COST_USD: "0.5"}):
        rig.run(chat(10, 5) | {v.COST_USD: "0.125"})
    rig.run(event("feedback") | {v.FEEDBACK_RATING: 1.5})
    rig.run(event("feedback") | {v.FEEDBACK_RATING: 5, v.AGENT_VERSION: "1.0"})
    by_outcome = {"success": 3, "error": 1, "timeout": 1, "cancelled": 1}
    for outcome, count in by_outcome.items():
        assert rig.value(INVOCATIONS, version="1.0", outcome=outcome) == count
    assert rig.value("release_slow_invocations_total", version="1.0") == 2
    assert rig.value("release_slow_invocations_total", version="2.0") == 0
    assert rig.value("release_model_cost_usd_total", version="1.0") == 0
    assert rig.value("release_model_cost_usd_total", version="2.0") == 0.375
    assert rig.value("model_cost_usd_total") == 0.375
    assert rig.value("release_ratings_total", version="1.0") == 2
    assert rig.value("release_rating_stars_total", version="1.0") == 9
    assert rig.value("release_rating_stars_total", version="2.0") == 1.5


def test_no_other_metric_knows_a_version(rig: Rig) -> None:
    """A release renames no series: what is not of releases has no label of one."""
    for version in ("1.0", "2.0"):
        with rig.span(invoke() | {v.AGENT_VERSION: version}):
            rig.run(tool())
            rig.run(chat(10, 5))
    for name, labels in rig.series():
        assert ("version" in dict(labels)) == name.startswith("marketplace_agent_release_")
    assert rig.value("invocations_total") == 2


def test_the_version_of_the_service_stands_in(make_rig: MakeRig) -> None:
    """Where the agent states no version, that of the process's resource counts, else none."""
    rig = make_rig(resource={"service.version": "svc-7"})
    release(rig, None, times=2)
    release(rig, "1.0")
    release(rig, None)
    assert versions(rig) == {"svc-7": 3, "1.0": 1}
    assert rig.value("invocations_total") == 4
    bare = make_rig()
    release(bare, None)
    assert versions(bare) == {}


def test_services_of_several_versions_share_a_processor(rig: Rig) -> None:
    """Each span counts for the version of its own resource, through whichever provider it came."""
    for version in ("a", "b"):
        provider = TracerProvider(
            resource=Resource({"service.version": version}), shutdown_on_exit=False
        )
        provider.add_span_processor(rig.processor)
        for _ in range(2):
            provider.get_tracer("x").start_span("call", attributes=invoke()).end()
    assert versions(rig) == {"a": 2, "b": 2}


@pytest.mark.parametrize("stated", [True, False])
def test_decorated_and_foreign_invocations_alike(make_rig: MakeRig, *, stated: bool) -> None:
    """A framework's run counts for its version as a decorated call does, with all that it cost."""
    process = {v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"}
    rig = make_rig(resource=process | ({} if stated else {"service.version": "3.1"}))
    own = {v.AGENT_VERSION: "3.1"} if stated else {}
    spent = {**chat(10, 5), v.COST_USD: "0.5"}
    with rig.span({**invoke(), **own}):
        rig.run(spent)
    tracer = rig.tracer("opentelemetry.instrumentation.x")
    foreign = {v.OPERATION_NAME: v.INVOKE_AGENT, v.AGENT_NAME: "finder"}
    span = tracer.start_span("invoke_agent finder", attributes={**foreign, **own})
    tracer.start_span("chat m", trace.set_span_in_context(span), attributes=spent).end()
    span.end()
    assert versions(rig) == {"3.1": 2}
    assert rig.value("release_model_cost_usd_total", version="3.1") == 1.0


def test_cost_that_comes_later(rig: Rig) -> None:
    """A model call that ends after its invocation costs that invocation's version."""
    tracer = rig.tracer()
    for version, outcome in (("1.0", "success"), ("2.0", "error")):
        whole = tracer.start_span("x", attributes=invoke() | {v.AGENT_VERSION: version})
        inside = trace.set_span_in_context(whole)
        call = tracer.start_span("y", inside, attributes=chat(10, 5) | {v.COST_USD: "0.25"})
        whole.set_attribute(v.OUTCOME, outcome)
        whole.end()
        call.end()
    release(rig, "3.0")
    for version in ("1.0", "2.0"):
        assert rig.value("release_model_cost_usd_total", version=version) == 0.25
    assert rig.value("release_model_cost_usd_total", version="3.0") == 0


def test_what_is_no_invocation_is_of_no_version(rig: Rig) -> None:
    """Agents inside, tries that were steered and events that came twice count for no version."""
    stated = {v.AGENT_VERSION: "1.0"}
    with rig.span(invoke() | stated):
        rig.run(invoke() | {v.AGENT_VERSION: "inner"})
    rig.run(invoke() | stated, {v.OUTCOME: "steered"})
    for _ in range(2):
        rig.run(invoke() | stated | {v.EVENT_ID: "once"})
    assert versions(rig) == {"1.0": 2}


def test_ratings_where_no_version_is_known(make_rig: MakeRig) -> None:
    """A service that collects ratings has a version that says nothing of the agent."""
    rig = make_rig(resource={"service.version": "web-5"})
    rig.run(event("feedback") | {v.FEEDBACK_RATING: 4})
    assert versions(rig) == {}
    assert rig.value("feedback_rating_count") == 1
    release(rig, None)
    rig.run(event("feedback") | {v.FEEDBACK_RATING: 4})
    assert rig.value("release_ratings_total", version="web-5") == 1


# --- how many there are --------------------------------------------------------------------------


def test_beyond_four_versions_new_ones_share_a_name(rig: Rig) -> None:
    """The fifth version of a day is ``_other``: those that were there go on, nothing is lost."""
    for number in range(6):
        release(rig, f"v{number}", times=number + 1)
    release(rig, "v0")
    assert versions(rig) == {"v0": 2, "v1": 2, "v2": 3, "v3": 4, "_other": 11}
    assert rig.value("invocations_total") == 22
    assert rig.value("agent_analytics_refused_series_total", cause="release") == 11
    release(rig, "v9", agent="quiet")
    assert versions(rig, agent_id="quiet") == {"v9": 1}


def test_weekly_releases_show_the_newest(rig: Rig) -> None:
    """Who releases weekly sees the last four versions, always the newest among them."""
    for number in range(12):
        release(rig, f"v{number}", times=2)
        rig.wall.now += 7 * DAY
        found = versions(rig)
        assert f"v{number}" in found
        assert len(found) <= 4
        assert all(count == 2 for count in found.values())
    assert set(versions(rig)) == {"v8", "v9", "v10", "v11"}
    assert rig.value("agent_analytics_refused_series_total", cause="release") == 0


@pytest.mark.parametrize(("hours", "shown"), [(23, "_other"), (25, "v4")])
def test_a_place_is_free_after_a_day(rig: Rig, hours: int, shown: str) -> None:
    """A version leaves its place when nobody has used it for a day, and not an hour before."""
    for number in range(4):
        release(rig, f"v{number}")
    release(rig, "v0")
    rig.wall.now += hours * 3_600
    for _ in range(3):
        for version in ("v1", "v2", "v0"):  # v3 is the quiet one
            release(rig, version)
    release(rig, "v4")
    assert versions(rig)[shown] == 1


def test_one_of_those_without_a_place_gets_one(rig: Rig) -> None:
    """A version under ``_other`` has series of its own once a place is free."""
    for number in range(5):
        release(rig, f"v{number}")
    assert "v4" not in versions(rig)
    for _ in range(30):
        rig.wall.now += 3_600
        release(rig, "v4")
    found = versions(rig)
    assert found["v4"] + found["_other"] == 31
    assert found["v4"] >= 6


def test_a_version_comes_back(rig: Rig) -> None:
    """A rollback to a version that had left goes on where that version was."""
    for number in range(6):
        release(rig, f"v{number}", times=3)
        rig.wall.now += 2 * DAY
    assert set(versions(rig)) == {"v2", "v3", "v4", "v5"}
    release(rig, "v0")
    assert versions(rig) == {"v0": 4, "v3": 3, "v4": 3, "v5": 3}


def test_a_clock_that_is_set_back_keeps_no_place(rig: Rig) -> None:
    """Versions of a day that has not come leave a day from now, and not a day after that one."""
    rig.wall.now += 1_000 * DAY
    for number in range(4):
        release(rig, f"v{number}")
    rig.wall.now -= 1_000 * DAY
    release(rig, "v4")
    rig.wall.now += DAY + 1
    release(rig, "v5")
    assert "v5" in versions(rig)


@pytest.mark.parametrize(
    "version",
    [
        "x" * 201,
        "é" * (MOST_VERSION_BYTES // 2 + 1),
        "",
        "a\0b",
        "\ud800",
        7,
        True,
        ["1", "2"],
        odd(b"x"),
    ],
)
def test_values_that_are_no_version(rig: Rig, version: object) -> None:
    """A version that is no text, too long or cannot be exposed is ``_other``."""
    release(rig, version)
    assert versions(rig) == {"_other": 1}
    assert rig.refused("label") >= 1


def test_a_version_at_its_longest(rig: Rig) -> None:
    """Text of any script and with any escapes is literal as long as it has 100 bytes."""
    for version in ("v" * MOST_VERSION_BYTES, "é" * 50, '"\\\n' * 16, "_other", "1.0 (build 7)"):
        release(rig, version)
    assert len(versions(rig)) == 5


VERSIONS = st.sampled_from(["a", "b", "c", "d", "e", "f", "x" * 300, None])


@settings(max_examples=examples(40), deadline=None)
@given(
    steps=st.lists(st.tuples(VERSIONS, st.sampled_from([0, 3_600, 40_000, DAY])), max_size=40),
    most=st.integers(1, 3),
)
def test_any_history(steps: list[tuple[str | None, int]], most: int) -> None:
    """Whatever comes when, no more than the cap is shown, and no counter ever goes back."""
    rig = Rig(limits=Limits(releases_per_listing=most))
    before: Mapping[str, float] = {}
    for version, seconds in steps:
        rig.wall.now += seconds
        release(rig, version)
        found = versions(rig)
        assert len(set(found) - {"_other"}) <= most
        assert all(found[name] >= count for name, count in before.items() if name in found)
        before = {**before, **found}
    assert sum(before.values()) == sum(version is not None for version, _ in steps)


# --- who may have them ---------------------------------------------------------------------------


def test_versions_take_no_room_of_anything_else(make_rig: MakeRig) -> None:
    """What versions come to is beside the samples of all others, and bounded by itself."""
    with_versions, without = (make_rig(limits=Limits(max_samples=3_000)) for _ in range(2))
    for number in range(60):
        release(with_versions, f"v{number % 7}", agent=f"agent-{number}")
        release(without, None, agent=f"agent-{number}")
    for metric in ("samples", "bytes"):
        name = f"agent_analytics_exposition_{metric}"
        assert with_versions.value(name) == without.value(name)
    filled = with_versions.value("agent_analytics_releases_filled_ratio")
    assert 0.2 < filled <= 1
    assert without.value("agent_analytics_releases_filled_ratio") == 0
    shown = [name for name, _ in with_versions.series() if "_release_" in name]
    assert 0 < len(shown) <= 3_000 // 4
    assert with_versions.value("invocations_total") == 60


def test_nobody_takes_the_room_of_a_neighbour(make_rig: MakeRig) -> None:
    """A publisher with versions without end leaves those that come later room for theirs."""
    rig = make_rig(limits=Limits(max_samples=8_000))
    for number in range(200):
        rig.run(invoke("loud", f"agent-{number}") | {v.AGENT_VERSION: f"v{number}"})
    rig.run(invoke("quiet", "mine") | {v.AGENT_VERSION: "1.0"})
    assert versions(rig, publisher_id="quiet") == {"1.0": 1}
    assert rig.value("agent_analytics_refused_series_total", cause="release") > 0
    assert rig.value("invocations_total", publisher_id="loud") == 200


def test_a_new_version_shows_zero_first(make_rig: MakeRig) -> None:
    """A release's first invocations are in every increase: its series are born at 0 and held."""
    rig = make_rig(hold_seconds=30)
    release(rig, "1.0", times=3)
    assert versions(rig) == {"1.0": 0}
    rig.clock.now += 31
    assert versions(rig) == {"1.0": 3}
    release(rig, "2.0", times=5)
    assert versions(rig) == {"1.0": 3, "2.0": 0}
    rig.clock.now += 31
    assert versions(rig) == {"1.0": 3, "2.0": 5}
    assert rig.value("invocations_total") == 8
