"""How the past of recording rules is put together."""

from pathlib import Path
from typing import Any

import pytest

from agent_analytics.demo._history import Pace
from agent_analytics.demo._history._simulation.carried import without_carried
from agent_analytics.demo._history._simulation.openmetrics import BLOCK_SECONDS
from agent_analytics.demo._history._simulation.rules import (
    OFFSET,
    Backfill,
    stretches,
)
from agent_analytics.demo._history.clock import make_clock
from agent_analytics.insights.past import (
    RecordingRule,
    link,
    make_blocks,
    prometheus_over,
    stages,
)

END = 1_795_523_456


def group(name: str, *rules: tuple[str, str], file: str = "rollups.yml") -> list[Any]:
    """Return rules with their group, as Prometheus tells of them."""
    made = {"name": name, "file": f"/etc/{file}", "interval": 300}
    return [(made, {"name": record, "query": query}) for record, query in rules]


def test_rules_wait_for_those_that_they_read() -> None:
    """A rule is evaluated after every rule whose series stands in its query."""
    rules = link(
        [
            *group("days", ("c:day", "max(b:hour) + a:level")),
            *group("hours", ("b:hour", "max_over_time(a:level[1h])")),
            *group("levels", ("a:level", "a"), ("other:level", "sum(a)")),
        ]
    )
    names = [[rules[position].name for position in stage] for stage in stages(rules)]
    assert names == [["a:level", "other:level"], ["b:hour"], ["c:day"]]
    assert [len(stage) for stage in stages(rules, done=(2,))] == [2, 1]


def test_a_circle_is_refused() -> None:
    """Rules of two groups that need each other have no order."""
    rules = link([*group("one", ("a:x", "b:x")), *group("two", ("b:x", "a:x + 1"))])
    with pytest.raises(ValueError, match="a:x"):
        stages(rules)


def test_a_rule_sees_the_last_evaluation_of_those_behind_it() -> None:
    """In a past where all is there at once, it looks one interval further back."""
    drop, level = link(
        group(
            "levels",
            (
                "a:drop",
                (
                    'last_over_time(a:level{x="y"}[1h]) > a and aa:level and a:level'
                    " or last_over_time(a:level[1d] offset 2d) or a:level offset 30m"
                ),
            ),
            ("a:level", "a"),
        )
    )
    assert drop.as_backfilled == (
        'last_over_time(a:level{x="y"}[1h] offset 300s) > a and aa:level and a:level offset 300s'
        " or last_over_time(a:level[1d] offset 2d300s) or a:level offset 30m300s"
    )
    assert drop.needs == {1}
    assert level.as_backfilled == "a"


def test_one_name_may_be_recorded_by_several_rules() -> None:
    """A rule that reads what it records as well waits for those in front of it alone."""
    rules = link(
        group("insights", ("m", "a > 1"), ("m", "b > 1 unless m"), ("m", "c > 1"), file="x.yml")
    )
    assert rules[1].needs == {0}
    assert rules[1].as_backfilled == "b > 1 unless m"
    assert not rules[1].past


def test_only_a_bare_name_is_a_copy() -> None:
    """A rule that asks for a series and nothing else records it as it is."""
    assert RecordingRule("a:level", "a_total", 300).copies
    assert not RecordingRule("a:level", "sum(a_total)", 300).copies
    assert not RecordingRule("a:level", 'a_total{x="y"}', 300).copies


def test_what_is_carried_on_has_no_past() -> None:
    """Rules that read what they recorded are left out with their readers, but those of roll-ups."""
    told = [
        *group("roll-ups", ("since", "last_over_time(since[1d]) or a"), ("b", "since * 2")),
        *group(
            "insights",
            ("raised", "measure or last"),
            ("last", "raised * time() or last_over_time(last[1d])"),
            ("state", "last > 1"),
            ("measure", "b > 1"),
            ("measure", "b > 2 unless measure"),
            file="insights.yml",
        ),
    ]
    kept = without_carried(told)
    assert [rule["name"] for _, rule in kept] == ["since", "b", "measure", "measure"]


def test_what_is_looked_up_was_recorded_then() -> None:
    """A series is there at every moment at which others look it up, and those that they are of."""
    rules = link(
        group(
            "tenants",
            ("week", "min_over_time(hours[167h])"),
            ("same", "week == last_over_time(week[2h] offset 7d)"),
            ("retention", "same / last_over_time(week[2h] offset 1w)"),
            ("retention_before", 'last_over_time(retention{a="b"}[2h] offset 7d)'),
            ("ahead", "last_over_time(same[2h] offset -4m59s999ms)"),
            ("month_before", "last_over_time(week[2h] offset 30d)"),
            file="insights.yml",
        )
    )
    days = {rule.name: sorted(ago / 86_400 for ago in rule.ago) for rule in rules}
    assert days == {
        "week": [0, 7, 14, 30],
        "same": [0, 7],
        "retention": [0, 7],
        "retention_before": [0],
        "ahead": [0],
        "month_before": [0],
    }


def test_evaluations_follow_the_scrapes() -> None:
    """Each scrape at a full interval is followed by one evaluation, in few requests."""
    clock = make_clock(end=END, days=60, pace=Pace(), moments=(30.0,))
    for interval in (300, 3600):
        found = stretches(clock.scrapes, interval, clock.last, OFFSET)
        times = [
            time
            for stretch in found
            for time in range(stretch.first, stretch.last + 1, stretch.step)
        ]
        assert times == [
            scrape + OFFSET for scrape in clock.scrapes if (clock.last - scrape) % interval == 0
        ]
        assert len(found) < 15
        assert all(
            stretch.first // BLOCK_SECONDS == stretch.last // BLOCK_SECONDS for stretch in found
        )


@pytest.mark.servers
def test_one_series_from_two_names_is_in_order(tmp_path: Path) -> None:
    """What a rule reads under two names, the second before the first, is one series in time."""
    clock = make_clock(end=END, days=2, pace=Pace(), moments=())
    middle = (clock.start + clock.last) // 2
    lines = ["# TYPE zeta gauge\n"]
    lines += [f'zeta{{x="1"}} 1 {time}\n' for time in clock.scrapes if time < middle]
    lines += ["# TYPE alpha gauge\n"]
    lines += [f'alpha{{x="1"}} 2 {time}\n' for time in clock.scrapes if time >= middle]
    text = tmp_path / "given.txt"
    text.write_text("".join((*lines, "# EOF\n")), encoding="utf-8")
    make_blocks(text, tmp_path / "data")
    rule = RecordingRule("m", "last_over_time(alpha[5m]) or last_over_time(zeta[5m])", 300)
    with prometheus_over(tmp_path / "data") as url:
        backfill = Backfill(url, clock, tmp_path / "work", restarts=(), moments=())
        files = backfill.stage([rule])
    assert backfill.samples > 100
    for file in files:
        text_of = file.read_text("utf-8").splitlines()
        times = [float(line.split()[-1]) for line in text_of if line.startswith("m{")]
        assert times == sorted(set(times))
        make_blocks(file, tmp_path / "data")
