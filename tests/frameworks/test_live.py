"""Real frameworks, live, in processes of their own: every count equals the driver's own count.

A small set, with what the development environment has; ``make test-frameworks`` runs them all.
"""

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.frameworks.everything import Variant
from tests.frameworks.live import CannotRunError, Run, Verdict, execute, judge, shown

PYTHON = Path(sys.executable)
NAMED = ("ok", "tool_error", "agent_error", "streaming", "parallel", "nested")
LISTED = Run("pydantic-ai", "native", ("ok", "nested"), listing=True)
SMALL = (
    Run("pydantic-ai", "native", (*NAMED, "many")),
    Run("openai-agents", "openinference", (*NAMED, "handoff", "many")),
    Run("langchain", "otel-genai", NAMED),
    LISTED,
)


@cache
def seen(run: Run) -> Mapping[str, Any]:
    """Run once."""
    return execute(run, PYTHON)


@cache
def verdicts(run: Run) -> dict[str, Verdict]:
    """Return what came of each scenario."""
    return judge(run, seen(run))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("run", "scenario"),
    [
        pytest.param(run, scenario, id=f"{run.variant}/{scenario}" + "-listed" * run.listing)
        for run in SMALL
        for scenario in run.scenarios
    ],
)
def test_counts_are_the_drivers_own(run: Run, scenario: str) -> None:
    """Invocations, outcomes, tool and model calls and tokens are right, bare and decorated."""
    assert verdicts(run)[scenario].problems == []


@pytest.mark.parametrize("decorated", [False, True])
@pytest.mark.parametrize("part", ["tool_calls", "tokens", "agents"])
def test_a_wrong_count_is_seen(part: str, *, decorated: bool) -> None:
    """A tool call, tokens or a run more than what the driver saw is a problem."""
    runs = [dict(one) for one in seen(LISTED)["runs"]]
    one = next(one for one in runs if one["scenario"] == "ok" and one["decorated"] is decorated)
    truth = dict(one["truth"])
    truth[part] = {**truth[part], "output": 0} if part == "tokens" else truth[part][1:]
    if part == "agents":
        truth[part] = [{**one["truth"][part][0], "outcome": "error"}]
    one["truth"] = truth
    assert judge(LISTED, {**seen(LISTED), "runs": runs})["ok"].problems != []


def test_a_scenario_by_name_only_is_seen() -> None:
    """A run that has nothing of what its scenario is about is a problem."""
    truth = seen(LISTED)["runs"][0]["truth"]
    assert shown("ok", truth) == []
    for scenario in ("tool_error", "agent_error", "streaming", "parallel", "handoff", "many"):
        assert shown(scenario, truth) != []


def test_a_run_that_takes_too_long_is_ended() -> None:
    """A process that hangs is killed and named."""
    too_short = 0.05
    with pytest.raises(CannotRunError, match="took longer than"):
        execute(LISTED, PYTHON, timeout=too_short)


def test_a_run_that_fails_is_told() -> None:
    """A process that comes to no result says why."""
    with pytest.raises(CannotRunError, match="no-such-thing"):
        execute(Run("pydantic-ai", "no-such-thing", ("ok",)), PYTHON)


def test_a_declaration_that_no_run_needs_is_seen() -> None:
    """What is declared as not told and was right in all runs is a problem."""
    told = Variant("agno", "openinference", verdicts={"ok": Verdict()})
    assert told.rotten() == ["*: reasoning_output is declared as not told, and is told"]
    missing = Variant(
        "agno", "openinference", verdicts={"ok": Verdict(missing={"reasoning_output"})}
    )
    assert missing.rotten() == []
