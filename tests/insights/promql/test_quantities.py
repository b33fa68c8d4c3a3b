"""Each quantity is defined once, and every window answers it."""

import ast
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import promql_parser
import pytest

from agent_analytics.insights._promql import quantities
from agent_analytics.insights._promql.scopes import LISTING, Scope
from agent_analytics.insights._promql.windows import (
    UTC_DAY,
    Chosen,
    Hours,
    Lately,
    Levels,
    Live,
    Period,
    Raw,
    RawPeriod,
    RecordedPeriod,
    Window,
)

WINDOWS: dict[str, Window] = {
    "live": Live("5m"),
    "levels": Levels("1h"),
    "days": Period(7),
    "recorded": RecordedPeriod(7),
    "raw": RawPeriod(7, raw=Raw(600, 5)),
    "chosen": Chosen(),
    "calendar": UTC_DAY,
    "hours": Hours(6, week=1, fewest=30),
    "budget": Lately("1h"),
}
#: What is asked of every window; other quantities are recorded for some windows only.
QUANTITIES: list[Callable[[Window, Scope], str]] = [
    quantities.error_rate,
    quantities.failed_invocations,
    quantities.judged_invocations,
]


def test_each_quantity_is_defined_once() -> None:
    """No two modules that ask for something have a public function of one name."""
    folder = Path(quantities.__file__).parents[1]
    names = Counter(
        node.name
        for room in ("quantities/*.py", "windows/*.py", "now.py", "weeks.py", "health.py")
        for path in folder.glob(room)
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    )
    assert {name for name, times in names.items() if times > 1} == set()
    assert set(quantities.__all__) <= set(names)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda quantity: quantity.__name__)
def test_every_window_answers(quantity: Callable[[Window, Scope], str], window: str) -> None:
    """A quantity is one function, whichever window it is asked of."""
    expr = quantity(WINDOWS[window], LISTING).replace("${period}", "29d")
    promql_parser.parse(expr)
    assert f"({expr})" == expr or expr.startswith(("sum by", "(")), "it can stand in a larger one"
