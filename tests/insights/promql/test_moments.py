"""When rules look whether a week or a month has ended, and as of when they read."""

import re
from datetime import UTC, datetime

import pytest

from agent_analytics.insights._promql import closed, moments
from agent_analytics.insights._rules.reading import seconds_of

_OUTER = re.compile(r"\)\[59m59s999ms:(\w+)\] offset (\w+)\)$")


@pytest.mark.parametrize("hour", [1, 2, 3, 4])
def test_a_week_is_looked_at_in_one_hour_of_a_monday(hour: int) -> None:
    """The step of the subquery, which is a Thursday's midnight, is met in that hour alone."""
    found = _OUTER.search(moments.week(hour).once("vector(1)"))
    assert found is not None
    step, offset = seconds_of(found[1]), seconds_of(found[2])
    met = [
        datetime.fromtimestamp(time, UTC)
        for time in range(3600 * 24 * 365, 3600 * 24 * 393, 1800)
        # From after the beginning of the range to its end.
        if (time - offset) % step < 3600
    ]
    assert {(time.isoweekday(), time.hour) for time in met} == {(1, hour)}
    assert len(met) == 4 * 2


@pytest.mark.parametrize(
    ("moment", "ago", "offset"),
    [
        (moments.week(1), 0, " offset -4d1h"),
        (moments.week(2), 55, " offset -4d1h5m"),
        (moments.week(1), 5 * 1440, " offset 23h"),
        (moments.week(1), 4 * 1440 + 60, ""),
        (moments.day(1), 0, " offset -1h"),
        (moments.day(2), 1440, " offset 22h"),
    ],
)
def test_what_is_read_is_of_the_beginning_of_the_hour(
    moment: moments.Moment, ago: int, offset: str
) -> None:
    """Selectors look ahead as far as the subquery around them looks back, less how long ago."""
    assert moment.read("min_over_time", "x", "7d", ago=ago) == f"min_over_time(x[7d]{offset})"


def test_no_rule_reads_anything_at_other_hours() -> None:
    """Every rule of weeks and months is one subquery of an hour with a step of its own."""
    found = [_OUTER.search(rule.expr) for rule in closed.rules()]
    assert len(found) > 50
    assert all(found)
    assert all(rule.expr.count("59m59s999ms") == 1 for rule in closed.rules())
