"""What has to have a past is read from the rules: what they look up, and what that is made of."""

from agent_analytics.insights._past.wanted import wanted
from agent_analytics.insights._rules.reading import reads_of
from agent_analytics.insights._yaml import Yaml

DAY = 86_400


def files(rules: list[Yaml], file: str = "insights.yml") -> dict[str, list[Yaml]]:
    """Return a rule file of one group."""
    return {file: [{"name": "g", "interval": "1h", "rules": rules}]}


def recording(record: str, expr: str) -> Yaml:
    """Return a rule."""
    return {"record": record, "expr": expr}


def test_what_is_looked_up_is_evaluated_with_what_it_is_made_of() -> None:
    """A chain of look-ups adds up, and inputs reach back as far as the windows over them."""
    found = wanted(
        files(
            [
                recording("week", 'min_over_time(listing_registers:hour{kind="x"}[6d])'),
                recording("half", "week / 2"),
                recording("rate", "half / last_over_time(half[2h] offset 7d)"),
                recording("rate:ago", "last_over_time(rate[2h] offset 1w)"),
                recording("of_now", "week * 3"),
            ]
        )
        | files([recording("listing_registers:hour", "x")], "rollups.yml")
    )
    assert [[rule.name for rule in stage] for stage in found.rules] == [
        ["week"],
        ["half"],
        ["rate"],
    ]
    assert {name: int(back // DAY) for name, back in found.back.items()} == {
        "week": 14,
        "half": 14,
        "rate": 7,
    }
    assert found.kept == {"half": 7 * DAY + 7_200, "rate": 7 * DAY + 7_200}
    ((selector, back),) = found.inputs.items()
    assert selector == 'listing_registers:hour{kind="x"}'
    assert back // DAY == 20


def test_roll_ups_and_what_was_a_moment_ago_need_none() -> None:
    """Every release recorded roll-ups, and a rule of five minutes has an hour soon."""
    found = wanted(
        files([recording("a:level", "a"), recording("b", "a:level offset 30d")], "rollups.yml")
        | files([recording("c", "b offset 7d"), recording("d", "last_over_time(c[1h] offset 5m)")])
    )
    assert found.rules == ()
    assert found.kept == {}


def test_a_name_that_is_read_in_two_ways_is_read_whole() -> None:
    """No sample is copied twice."""
    found = wanted(
        files(
            [
                recording("x", 'max(up{job="a"}) + max_over_time(up{job="b"}[1d])'),
                recording("y", "x offset 1d"),
            ]
        )
        | files([recording("up", "vector(1)")], "rollups.yml")
    )
    assert list(found.inputs) == ["up"]


def test_what_a_query_reads() -> None:
    """Ranges, subqueries around them, offsets of several units, and one that looks ahead."""
    query = (
        'sum(a:x{b="c"}[1h30m] offset 1d2h) - aa:x + max_over_time(a:x[2d:1h]) + a:x[5m] offset -1m'
    )
    found = [(read.matchers, read.window, read.offset) for read in reads_of(query, {"a:x", "z"})]
    assert found == [
        ('{b="c"}', 5_400 + 2 * DAY, DAY + 7_200),
        ("", 2 * DAY + 2 * DAY, 0),
        ("", 300 + 2 * DAY, 0),
    ]


def test_of_this_version() -> None:
    """Tenants and retention are looked up, and are made of registers of hours and of days."""
    found = wanted()
    assert {"listing_retention:7d", "listing_unique_tenants:30d"} <= found.kept.keys()
    assert {selector.partition("{")[0] for selector in found.inputs} >= {
        "listing_registers:hour",
        "listing_registers:day",
    }
