"""Rule 8: labels are bounded, fairly: nobody can push anybody else into overflow."""

from collections.abc import Callable
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.effort import examples
from tests.processor.rig import Rig, chat, event, invoke, odd, tool

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import Limits

MakeRig = Callable[..., Rig]
REFUSED = "agent_analytics_refused_series_total"
SMALL = Limits(
    publishers=3,
    listings_per_publisher=2,
    tools_per_listing=3,
    models_per_listing=2,
    error_types_per_listing=2,
    evaluations_per_listing=2,
    versions_per_listing=2,
    label_length=20,
)


def labels(rig: Rig, metric: str, name: str, **wanted: str) -> set[str]:
    """Return the values of one label of a metric."""
    return {
        dict(found)[name]
        for sample, found in rig.series()
        if sample == f"marketplace_agent_{metric}" and set(wanted.items()) <= set(found)
    }


def fail(rig: Rig, agent: str, name: str) -> None:
    """Run an invocation that fails with an error type of this name."""
    rig.run(invoke(agent=agent), {v.OUTCOME: "error", v.ERROR_TYPE: name})


def use_tool(rig: Rig, agent: str, name: str) -> None:
    """Call a tool of this name."""
    with rig.span(invoke(agent=agent)):
        rig.run(tool(name))


def use_model(rig: Rig, agent: str, name: str) -> None:
    """Call a model of this name."""
    with rig.span(invoke(agent=agent)):
        rig.run(chat(1, model=name))


def evaluate(rig: Rig, agent: str, name: str) -> None:
    """Record an evaluation of this name."""
    rig.run(event("evaluation", agent=agent) | {v.EVALUATION_NAME: name, v.EVALUATION_SCORE: 1})


@pytest.mark.parametrize(
    ("use", "metric", "label", "cap"),
    [
        (use_tool, "tool_calls_total", "tool", 3),
        (use_model, "inference_calls_total", "model", 2),
        (fail, "invocation_errors_total", "error_type", 2),
        (evaluate, "evaluation_score_count", "evaluation", 2),
    ],
    ids=["tool", "model", "error_type", "evaluation"],
)
def test_each_label_is_capped_per_listing(
    make_rig: MakeRig, use: Callable[[Rig, str, str], None], metric: str, label: str, cap: int
) -> None:
    """Beyond the cap values share ``_other``, nothing is lost, and other listings have theirs."""
    rig = make_rig(limits=SMALL)
    for number in range(10):
        use(rig, "loud", f"name-{number}")
    use(rig, "loud", "name-0")
    use(rig, "quiet", "mine")
    kept = {f"name-{number}" for number in range(cap)}
    assert labels(rig, metric, label, agent_id="loud") == {*kept, "_other"}
    assert labels(rig, metric, label, agent_id="quiet") == {"mine"}
    assert rig.value(metric, agent_id="loud") == 11
    assert rig.value(metric, **{"agent_id": "loud", label: "name-0"}) == 2
    assert rig.value(REFUSED, cause=label) == 10 - cap
    assert rig.value(REFUSED) == 10 - cap


def test_listings_are_capped_per_publisher(make_rig: MakeRig) -> None:
    """Beyond the cap listings share ``_other`` of their publisher, who keeps what is theirs."""
    rig = make_rig(limits=SMALL)
    for number in range(10):
        rig.run(invoke("loud", f"agent-{number}"), {v.REVENUE_USD: 1})
    for number in range(2):
        rig.run(invoke("quiet", f"agent-{number}"))
    series = labels(rig, "invocations_total", "agent_id", publisher_id="loud")
    assert series == {"agent-0", "agent-1", "_other"}
    assert rig.value("revenue_usd_total", publisher_id="loud", agent_id="_other") == 8
    assert labels(rig, "invocations_total", "agent_id", publisher_id="quiet") == {
        "agent-0",
        "agent-1",
    }
    assert rig.value(REFUSED, cause="listing") == 8


def test_publishers_are_capped_as_a_backstop(make_rig: MakeRig) -> None:
    """Beyond the cap publishers share ``_other``, with the same cap on its listings."""
    rig = make_rig(limits=SMALL)
    for number in range(20):
        rig.run(invoke(f"publisher-{number}", f"agent-{number}"))
    assert labels(rig, "invocations_total", "publisher_id") == {
        "publisher-0",
        "publisher-1",
        "publisher-2",
        "_other",
    }
    assert len(labels(rig, "invocations_total", "agent_id", publisher_id="_other")) == 3
    assert rig.value("invocations_total") == 20
    assert rig.value(REFUSED, cause="publisher") >= 17


def test_versions_are_capped_and_the_oldest_leaves(make_rig: MakeRig) -> None:
    """Names and versions shown at once are bounded; the newest are shown."""
    rig = make_rig(limits=SMALL)
    for version in ("1", "2", "1", "3"):
        rig.run(invoke() | {v.AGENT_NAME: "Finder", v.AGENT_VERSION: version})
    assert labels(rig, "info", "agent_version") == {"1", "3"}
    assert labels(rig, "info", "agent_name") == {"Finder"}


@pytest.mark.parametrize("name", ["x" * 21, "", "a\0b", "\ud800", 7, True, ["a", "b"], odd(b"x")])
def test_values_that_make_no_label(make_rig: MakeRig, name: object) -> None:
    """A name that is no text, empty, too long or cannot be exposed goes under ``_other``."""
    rig = make_rig(limits=SMALL)
    with rig.span(invoke()):
        rig.run(tool() | {v.TOOL_NAME: name})
    assert labels(rig, "tool_calls_total", "tool") == {"_other"}
    assert rig.refused("label") == 1


@pytest.mark.parametrize("name", ["x" * 21, "", "a\0b", "\ud800", 7, ["a"]])
def test_values_that_make_no_publisher(make_rig: MakeRig, name: object) -> None:
    """A span of an impossible publisher is nobody's."""
    rig = make_rig(limits=SMALL)
    rig.run(invoke() | {v.PUBLISHER_ID: name})
    assert rig.value("agent_analytics_unattributed_spans_total", kind="invocation") == 1
    assert rig.refused("label") >= 1


def test_a_tool_without_a_name(rig: Rig) -> None:
    """A call that names no tool is one of ``unknown``."""
    with rig.span(invoke()):
        rig.run(tool(None))
    assert labels(rig, "tool_calls_total", "tool") == {"unknown"}


def test_causes_are_there_before_they_happen(rig: Rig) -> None:
    """Every cause shows 0 from the start, so that its first time counts."""
    for metric in (REFUSED, "agent_analytics_refused_values_total"):
        shown = [value for (name, _), value in rig.series().items() if name == metric]
        assert len(shown) >= 6
        assert set(shown) == {0}


NAMES = st.text(max_size=30)


@settings(max_examples=examples(40), deadline=None)
@given(stream=st.lists(st.tuples(NAMES, NAMES, NAMES, NAMES, NAMES), max_size=60))
def test_the_number_of_series_is_bounded_under_any_stream(
    stream: list[tuple[str, str, str, str, str]],
) -> None:
    """Whatever names arrive, listings and label values stay within what the limits allow."""
    rig = Rig(limits=SMALL)
    for publisher, agent, called, model, error in stream:
        failed = {v.OUTCOME: "error", v.ERROR_TYPE: error, v.AGENT_VERSION: error}
        with rig.span(invoke(publisher, agent), failed):
            rig.run(tool(called))
            rig.run(chat(1, model=model))
        rig.run(
            event("evaluation", publisher, agent)
            | {v.EVALUATION_NAME: called, v.EVALUATION_SCORE: 0}
        )
    listings: dict[str, set[str]] = {}
    values: dict[tuple[str, str, str], set[str]] = {}
    for name, found in rig.series():
        of = dict(found)
        if "publisher_id" not in of:
            continue
        listings.setdefault(of["publisher_id"], set()).add(of["agent_id"])
        for label in ("tool", "model", "error_type", "evaluation", "agent_version"):
            if label in of:
                key = (of["publisher_id"], of["agent_id"], label)
                values.setdefault(key, set()).add(of[label])
        assert name.startswith("marketplace_agent_")
    assert len(listings) <= SMALL.publishers + 1
    assert all(len(agents) <= SMALL.listings_per_publisher + 1 for agents in listings.values())
    caps = {"tool": 3, "model": 2, "error_type": 2, "evaluation": 2, "agent_version": 1}
    assert all(len(shown) <= caps[key[2]] + 1 for key, shown in values.items())


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "7", None])
def test_a_cap_is_a_positive_integer(name: str, value: object) -> None:
    """A cap that is none is refused by its name."""
    with pytest.raises(ValueError, match=name):
        Limits(**{name: value})  # type: ignore[arg-type]  # what is being tested


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("hold_seconds", -1),
        ("hold_seconds", float("nan")),
        ("hold_seconds", float("inf")),
        ("hold_seconds", True),
        ("hold_seconds", "30"),
        ("limits", {"publishers": 1}),
        ("tenant_key", ""),
        ("tenant_key", b""),
        ("tenant_key", 7),
    ],
)
def test_settings_out_of_range_are_refused(make_rig: MakeRig, argument: str, value: object) -> None:
    """A setting that makes no sense is refused by its name."""
    with pytest.raises(ValueError, match=argument):
        make_rig(**{argument: value})
