"""How the past of recording rules is put together."""

import pytest

from agent_analytics.demo._history import Pace
from agent_analytics.demo._history._clock import make_clock
from agent_analytics.demo._history._rules import OFFSET, RecordingRule, stages, stretches
from agent_analytics.demo._history._text import BLOCK_SECONDS

END = 1_795_521_700


def test_rules_wait_for_those_that_they_read() -> None:
    """A rule is evaluated after every rule whose series stands in its query."""
    rules = [
        RecordingRule("c:day", "max(b:hour) + a:level", 300),
        RecordingRule("b:hour", "max_over_time(a:level[1h])", 300),
        RecordingRule("a:level", "a", 300),
        RecordingRule("other:level", "sum(a)", 300),
    ]
    names = [[rule.name for rule in stage] for stage in stages(rules)]
    assert names == [["a:level", "other:level"], ["b:hour"], ["c:day"]]


def test_a_circle_is_refused() -> None:
    """Rules that need each other have no order."""
    rules = [RecordingRule("a:x", "b:x", 60), RecordingRule("b:x", "a:x + 1", 60)]
    with pytest.raises(ValueError, match="a:x"):
        stages(rules)


def test_a_rule_sees_the_last_evaluation_of_those_behind_it() -> None:
    """In a past where all is there at once, it looks one interval further back."""
    rule = RecordingRule(
        "a:drop",
        'last_over_time(a:level{x="y"}[1h]) > a and aa:level and a:level',
        300,
        frozenset({"a:level"}),
    )
    assert rule.as_backfilled == (
        'last_over_time(a:level{x="y"}[1h] offset 300s) > a and aa:level and a:level offset 300s'
    )


def test_only_a_bare_name_is_a_copy() -> None:
    """A rule that asks for a series and nothing else records it as it is."""
    assert RecordingRule("a:level", "a_total", 300).copies
    assert not RecordingRule("a:level", "sum(a_total)", 300).copies
    assert not RecordingRule("a:level", 'a_total{x="y"}', 300).copies


def test_evaluations_follow_the_scrapes() -> None:
    """Each scrape at a full interval is followed by one evaluation, in few requests."""
    clock = make_clock(end=END, days=60, pace=Pace(), moments=(30.0,))
    for interval in (300, 3600):
        found = stretches(clock, interval, None)
        times = [
            time
            for stretch in found
            for time in range(stretch.first, stretch.last + 1, stretch.step)
        ]
        assert times == [scrape + OFFSET for scrape in clock.scrapes if scrape % interval == 0]
        assert len(found) < 15
        assert all(
            stretch.first // BLOCK_SECONDS == stretch.last // BLOCK_SECONDS for stretch in found
        )


def test_falls_are_looked_for_in_the_day_after_a_restart() -> None:
    """Nothing is evaluated where no counter can have begun anew."""
    clock = make_clock(end=END, days=20, pace=Pace(), moments=(10.0,))
    restart = clock.ago(10.0)
    found = stretches(clock, 300, [restart])
    assert found[0].first == restart + OFFSET
    assert found[-1].last == restart + 86_400 + OFFSET
