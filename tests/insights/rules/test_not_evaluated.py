"""The tables of insights say which listings were not evaluated: an empty one is an all-clear."""

import json
from pathlib import Path

import pytest
from tests.tools import Run, installed

from agent_analytics.insights._dashboards.parts.insights import not_evaluated
from agent_analytics.insights._promql.scopes import LISTING, Scope

RAW = "marketplace_agent_invocations_total"
EVALUATED = f"{RAW}:growth_1d"
#: What is recorded for the insights every quarter of an hour.
LONG_WINDOWS = f"{RAW}:growth_30d"
OF_ACME = Scope(LISTING.by, ('publisher_id="acme"',))
FINDER = 'publisher_id="acme", agent_id="finder"'
WRITER = 'publisher_id="acme", agent_id="writer"'
OTHER = 'publisher_id="globex", agent_id="clerk"'
GOES_ON = "1+1x60"


def evaluated(listing: str, values: str = GOES_ON, long: str = GOES_ON) -> dict[str, str]:
    """Return what is recorded of a listing as its insights are evaluated, and ahead of them."""
    return {f"{EVALUATED}{{{listing}}}": values, f"{LONG_WINDOWS}{{{listing}}}": long}


#: Series with their values a minute, and for whom the row is, at the end of the hour.
CASES: dict[str, tuple[dict[str, str], Scope, list[str]]] = {
    "nothing is there": ({}, LISTING, [""]),
    "counted and never evaluated": ({f"{RAW}{{{FINDER}}}": GOES_ON}, LISTING, [FINDER]),
    "evaluated": (
        {f"{RAW}{{{FINDER}}}": GOES_ON, **evaluated(FINDER)},
        LISTING,
        [],
    ),
    # Two evaluations of five minutes were missed.
    "evaluated a little ago": (
        {f"{RAW}{{{FINDER}}}": GOES_ON, **evaluated(FINDER, "1x49")},
        LISTING,
        [],
    ),
    "no longer evaluated": (
        {f"{RAW}{{{FINDER}}}": GOES_ON, **evaluated(FINDER, "1x40")},
        LISTING,
        [FINDER],
    ),
    # One quarter of an hour was missed.
    "long windows a little ago": (
        {f"{RAW}{{{FINDER}}}": GOES_ON, **evaluated(FINDER, long="1x30")},
        LISTING,
        [],
    ),
    "long windows no longer": (
        {f"{RAW}{{{FINDER}}}": GOES_ON, **evaluated(FINDER, long="1x20")},
        LISTING,
        [FINDER],
    ),
    "long windows not yet": (
        {f"{RAW}{{{FINDER}}}": GOES_ON, f"{EVALUATED}{{{FINDER}}}": GOES_ON},
        LISTING,
        [FINDER],
    ),
    "a listing that is new": (
        {
            f"{RAW}{{{FINDER}}}": GOES_ON,
            **evaluated(FINDER),
            f"{RAW}{{{WRITER}}}": "_x57 1 2 3",
        },
        LISTING,
        [WRITER],
    ),
    "a listing that is gone": ({**evaluated(FINDER)}, LISTING, []),
    "another publisher's": (
        {
            f"{RAW}{{{FINDER}}}": GOES_ON,
            **evaluated(FINDER),
            f"{RAW}{{{OTHER}}}": GOES_ON,
        },
        OF_ACME,
        [],
    ),
    "the own of two": (
        {
            f"{RAW}{{{FINDER}}}": GOES_ON,
            **evaluated(OTHER),
            f"{RAW}{{{OTHER}}}": GOES_ON,
        },
        OF_ACME,
        [FINDER],
    ),
    "processes of a listing": (
        {
            f'{RAW}{{{FINDER}, instance="a"}}': GOES_ON,
            f'{RAW}{{{FINDER}, instance="b", outcome="error"}}': GOES_ON,
        },
        LISTING,
        [FINDER],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_who_was_not_evaluated(case: str, tmp_path: Path) -> None:
    """A row for each listing that runs and has no evaluation, one for all where nothing runs."""
    series, scope, rows = CASES[case]
    promtool: Run = installed("promtool")
    token = "not-evaluated"
    told = f'rank="0", recommendation="{token}", title="{token}", what="{token}"'
    document = {
        "rule_files": [],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": name, "values": values} for name, values in series.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": not_evaluated(scope),
                        "eval_time": "60m",
                        "exp_samples": [
                            {"labels": f"{{{row}{', ' if row else ''}{told}}}", "value": 0}
                            for row in rows
                        ],
                    }
                ],
            }
        ],
    }
    file = tmp_path / "cases.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr
