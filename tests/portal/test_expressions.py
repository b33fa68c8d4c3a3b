"""Variables are put into committed expressions so that no value becomes PromQL."""

import re

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_analytics.portal._committed import dashboards
from agent_analytics.portal._expressions import Chosen, UnknownVariable, put

#: Quotes, escapes and what regular expressions give a meaning.
NASTY = st.text(st.sampled_from("\"'`\\}{[](),|.*+?^$ a\u00e9\n\t=~!"), min_size=1, max_size=20)


def _matchers(expr: str) -> list[tuple[str, str]]:
    parsed = promql_parser.parse(expr)
    assert isinstance(parsed, promql_parser.VectorSelector)
    return [(each.name, each.value) for each in parsed.matchers.matchers]


@given(NASTY)
def test_a_value_that_is_compared_stays_a_value(value: str) -> None:
    """Whatever a value holds, the parser reads one matcher with just this value."""
    expr = put('up{publisher_id="$publisher"}', {"publisher": Chosen((value,))}, {})
    assert _matchers(expr) == [("publisher_id", value)]


@given(st.lists(NASTY, min_size=1, max_size=3))
def test_values_of_a_pattern_match_themselves_alone(values: list[str]) -> None:
    """Of several values each matches itself, and the pattern matches no other text."""
    expr = put('up{publisher_id=~"$publisher"}', {"publisher": Chosen(tuple(values))}, {})
    ((label, pattern),) = _matchers(expr)
    assert label == "publisher_id"
    assert all(re.fullmatch(pattern, value, re.DOTALL) for value in values)
    assert not re.fullmatch(pattern, f"{values[0]}x", re.DOTALL) or f"{values[0]}x" in values


@pytest.mark.parametrize(
    ("expr", "chosen"),
    [
        ("up[$period]", Chosen(("1d",))),  # no committed choice
        ("up[$period]", Chosen(("1d", "2d"), admitted=True)),
        ("up[$nobody]", Chosen(("1d",), admitted=True)),
        ('up{a="$period"}', Chosen(("1d", "2d"))),  # several where one is compared
        ('up{a="$period"}', Chosen((), ".*")),
        ('up{a="${period:raw}"}', Chosen(("1d",))),
        ("up{a=`$period`}", Chosen(("1d",))),
    ],
)
def test_what_may_not_stand_there_is_refused(expr: str, chosen: Chosen) -> None:
    """A free value outside of a string, several for one, unknown names and formats are refused."""
    with pytest.raises(UnknownVariable):
        put(expr, {"period": chosen}, {})


def test_a_dollar_in_a_value_is_no_variable() -> None:
    """What was put in is not looked at again."""
    chosen = {"publisher": Chosen(("$agent",)), "agent": Chosen(("x",))}
    assert put('up{a="$publisher"}', chosen, {}) == 'up{a="$agent"}'


def test_every_committed_expression_can_be_asked() -> None:
    """With a value for each variable every expression of every dashboard is PromQL."""
    built_in = {"__rate_interval": "1m"}
    count = 0
    for board in dashboards().values():
        chosen = {
            name: variable.chosen(variable.options[:1] or ("acme",))
            for name, variable in board.variables.items()
        }
        for target in (*board.targets.values(), *board.annotations.values()):
            expr = put(target.expr, chosen, built_in)
            assert "$" not in expr
            promql_parser.parse(expr)
            count += 1
    assert count > 100
