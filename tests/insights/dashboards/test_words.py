"""The table of insights joins the words that rules record, whatever version of the rules ran."""

import json
from pathlib import Path

import pytest
from tests.tools import Run, installed

from agent_analytics.insights._dashboards.parts.insights import measured
from agent_analytics.insights._promql.scopes import LISTING

OWN = 'publisher_id="acme", agent_id="finder", insight="error-rate", traffic="day"'
RAISED = {
    f"marketplace_insight_measure{{{OWN}}}": 0.25,
    f'ALERTS{{{OWN}, alertstate="firing", audience="publisher", severity="critical"}}': 1,
}
INFO = (
    'marketplace_insight_info{insight="error-rate", title="High", what="%s", recommendation="%s"}'
)
FOUND = f'{OWN}, rank="1", severity="critical"'
#: Series, and the row that they make, with its number.
CASES: dict[str, tuple[dict[str, float], str, float]] = {
    "a share": (
        {INFO % ("% of calls", "Look."): 1},
        'title="High", what="% of calls", recommendation="Look."',
        25,
    ),
    "a number": (
        {INFO % ("calls", "Look."): 1},
        'title="High", what="calls", recommendation="Look."',
        0.25,
    ),
    # Prometheus has begun again with rules of another version a moment ago.
    "two versions at once": (
        {INFO % ("% of calls", "Look."): 1, INFO % ("calls", "Think."): 1},
        'title="High", what="% of calls", recommendation="Look."',
        25,
    ),
    "rules without words": ({}, 'title="error-rate"', 0.25),
    "words of another insight": (
        {INFO.replace("error-rate", "satisfaction") % ("calls", "Look."): 1},
        'title="error-rate"',
        0.25,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_row_has_its_words(case: str, tmp_path: Path) -> None:
    """An insight that fires has one row, whether its words are recorded twice, once or not."""
    series, words, value = CASES[case]
    promtool: Run = installed("promtool")
    document = {
        "rule_files": [],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": f"{number}x5"}
                    for name, number in {**RAISED, **series}.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": measured(LISTING),
                        "eval_time": "5m",
                        "exp_samples": [{"labels": f"{{{FOUND}, {words}}}", "value": value}],
                    }
                ],
            }
        ],
    }
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr
