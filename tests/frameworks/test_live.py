"""Real frameworks, live, in processes of their own: every count equals the driver's own count.

A small set, with what the development environment has; ``make test-frameworks`` runs them all.
"""

import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.frameworks.live import Run, Verdict, execute, judge

NAMED = ("ok", "tool_error", "agent_error", "streaming", "parallel", "nested")
SMALL = (
    Run("pydantic-ai", "native", (*NAMED, "many")),
    Run("openai-agents", "openinference", (*NAMED, "handoff", "many")),
    Run("langchain", "otel-genai", NAMED),
    Run("pydantic-ai", "native", ("ok", "nested"), listing=True),
)


@cache
def result(run: Run) -> dict[str, Verdict]:
    """Run once, and return what came of each scenario."""
    return judge(run, execute(run, Path(sys.executable)))


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
    assert result(run)[scenario].problems == []


def test_a_wrong_count_is_seen() -> None:
    """A tool call, a token or a run more than what the driver saw is a problem."""
    run = Run("pydantic-ai", "native", ("ok",))
    seen = execute(run, Path(sys.executable))
    assert judge(run, seen)["ok"].problems == []
    for spoil in ("tool_calls", "tokens", "agents"):
        spoiled: dict[str, Any] = {**seen, "runs": [dict(one) for one in seen["runs"]]}
        truth = dict(seen["runs"][0]["truth"])
        if spoil == "tokens":
            truth["tokens"] = {**truth["tokens"], "reasoning_output": 0}
        else:
            truth[spoil] = truth[spoil][1:]
        spoiled["runs"][0]["truth"] = truth
        assert judge(run, spoiled)["ok"].problems != [], spoil
