"""Runs one framework live in a process of its own, and compares what was counted with the truth."""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.dialects import recordings as r
from tests.dialects.counted import KINDS, Counts, comparable, counts_in, expected, made_up

ROOT = Path(__file__).parents[2]
LAB = Path(__file__).parent / "lab" / "run.py"
LISTING, DECORATED = "finder", "decorated"
#: Seconds that one process may take to begin, and for each scenario.
START, EACH = 90.0, 20.0
COUNTS = (
    r.INVOCATIONS,
    r.OUTCOMES,
    r.TOOLS,
    r.TOOL_OUTCOMES,
    r.MODELS,
    r.INPUT,
    r.OUTPUT,
    r.CACHED,
    r.REASONING,
)
EVERYTHING = (*COUNTS, r.NAMES)


class CannotRunError(Exception):
    """A run that came to no result."""


@dataclass(frozen=True)
class Run:
    """One framework with one instrumentation through some scenarios, in one process.

    Attributes:
        framework: Its driver's name.
        instrumentation: What records it.
        scenarios: What it is run through, one after another.
        listing: Whether the resource names the listing, or only the publisher.
        driver: Whose driver runs it, if not the framework's own.
    """

    framework: str
    instrumentation: str
    scenarios: Sequence[str]
    listing: bool = False
    driver: str = ""

    @property
    def variant(self) -> str:
        """Framework and instrumentation."""
        return f"{self.framework}/{self.instrumentation}"

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.variant}/{','.join(self.scenarios)}" + (" (listing named)" * self.listing)


@dataclass
class Verdict:
    """What came of one scenario.

    Attributes:
        problems: What was counted wrongly; empty when all is well.
        counted: What was told, and is right.
        missing: What is declared as not told, and indeed is not right.
    """

    problems: list[str] = field(default_factory=list[str])
    counted: set[str] = field(default_factory=set[str])
    missing: set[str] = field(default_factory=set[str])


def execute(
    run: Run, python: Path, *, timeout: float | None = None, record: Path | None = None
) -> Mapping[str, Any]:
    """Run it.

    Args:
        run: What to run.
        python: The interpreter of the environment that has the framework.
        timeout: Seconds after which the process is killed; by the number of scenarios if None.
        record: A folder for the spans.

    Returns:
        What ``lab/run.py`` writes; of less than all scenarios where a later one failed or hung.

    Raises:
        CannotRunError: The process failed or took too long, and had not done one scenario.
    """
    if timeout is None:
        timeout = START + EACH * len(run.scenarios)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "result.json"
        command = [str(python), str(LAB), run.framework, run.instrumentation, *run.scenarios]
        command += ["--output", str(output)]
        command += ["--listing"] if run.listing else []
        command += ["--driver", run.driver] if run.driver else []
        command += ["--record", str(record)] if record else []
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("OTEL_", "AGENT_ANALYTICS_", "PYTHON", "OPENAI_"))
        }
        message = ""
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment | {"PYTHONDONTWRITEBYTECODE": "1"},
                capture_output=True,
                timeout=timeout,
                check=False,
            )
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            message = f"exit status {done.returncode}: {' '.join(last)}"
        except subprocess.TimeoutExpired:
            message = f"took longer than {timeout:.0f} s"
        if not output.exists():
            raise CannotRunError(message)
        result: Mapping[str, Any] = json.loads(output.read_text(encoding="utf-8"))
        return result


def judge(run: Run, result: Mapping[str, Any]) -> dict[str, Verdict]:
    """Return what came of each scenario of a run."""
    verdicts: dict[str, Verdict] = {}
    before = Counts()
    bare = Counts()
    for one in result["runs"]:
        after = counts_in(one["exposition"])
        told = _since(before, after)
        before = after
        verdict = verdicts.setdefault(one["scenario"], Verdict())
        if one["decorated"] and not one["truth"]["agents"]:
            continue  # no agent that could be decorated
        if one["decorated"]:
            _judge_decorated(run, one, told, bare, verdict)
        else:
            bare = told
            _judge_bare(run, one, told, verdict)
        verdict.problems += [
            f"{what}: {after.health[what]}"
            for what in ("in_progress", "errors")
            if after.health[what]
        ]
    if result["refused_hosts"]:
        for verdict in verdicts.values():
            verdict.problems.append(f"wanted to reach {', '.join(result['refused_hosts'])}")
    return verdicts


def _since(before: Counts, after: Counts) -> Counts:
    told = Counts()
    for kind in (*KINDS, "agents", "health"):
        setattr(told, kind, getattr(after, kind) - getattr(before, kind))
    return told


def _judge_bare(run: Run, one: Mapping[str, Any], told: Counts, verdict: Verdict) -> None:
    truth = expected(one["truth"])
    untold = r.untold(run.variant, one["scenario"])
    verdict.problems += _unlike(comparable(told, untold), comparable(truth, untold))
    verdict.problems += made_up(told, truth, r.MISTOLD.get(run.variant, frozenset()))
    verdict.problems += shown(one["scenario"], one["truth"])
    # A team has a name in few frameworks; it goes by a member's.
    agents = one["truth"]["agents"]
    names = {agent["name"] for agent in agents if agent["role"] in {"top", "member"}}
    names.update(one["truth"]["also_named"])
    strangers = set(told.agents) - ({LISTING} if run.listing else names)
    if strangers and r.NAMES in untold:
        verdict.missing.add(r.NAMES)
    elif strangers:
        verdict.problems.append(f"counted for {', '.join(sorted(strangers))}")
    elif told.agents and not run.listing:
        verdict.counted.add(r.NAMES)
    if told.health["unattributed"]:
        verdict.problems.append(f"unattributed: {told.health['unattributed']}")
    for item in COUNTS:
        others = frozenset(COUNTS) - {item} - _needed(item)
        right = comparable(told, others) == comparable(truth, others)
        if item in untold and not right:
            verdict.missing.add(item)
        elif item not in untold and right and _happened(item, truth):
            verdict.counted.add(item)


def _judge_decorated(
    run: Run, one: Mapping[str, Any], told: Counts, bare: Counts, verdict: Verdict
) -> None:
    truth = expected(one["truth"])
    # Whether and how a decorated function ended is always told.
    untold = r.untold(run.variant, one["scenario"]) - {r.INVOCATIONS, r.OUTCOMES}
    problems = _unlike(comparable(told, untold), comparable(truth, untold))
    problems += made_up(told, truth, r.MISTOLD.get(run.variant, frozenset()))
    strangers = set(told.agents) - {DECORATED}
    if strangers:
        problems.append(f"counted for {', '.join(sorted(strangers))}")
    inner = untold | {r.INVOCATIONS}
    with_it, without = comparable(told, inner), comparable(bare, inner)
    problems += [
        f"{kind} {with_it[kind]}, and {without[kind]} without the decorator"
        for kind in with_it
        if with_it[kind] != without[kind]
    ]
    verdict.problems += [f"decorated: {problem}" for problem in problems]


def _needed(item: str) -> frozenset[str]:
    """Return what must be compared too for an item to be seen."""
    return {
        r.TOOL_OUTCOMES: frozenset({r.TOOLS}),
        r.OUTCOMES: frozenset({r.INVOCATIONS}),
    }.get(item, frozenset())


def _happened(item: str, truth: Counts) -> bool:
    if item in r.TOKENS:
        return truth.tokens[item] > 0
    if item == r.MODELS:
        return truth.model_calls.total() > 0
    if item in {r.TOOLS, r.TOOL_OUTCOMES}:
        return truth.tools.total() > 0
    return truth.invocations.total() > 0


def _unlike(told: Mapping[str, Any], truth: Mapping[str, Any]) -> list[str]:
    return [
        f"{kind} {told[kind]}, and in truth {truth[kind]}"
        for kind in truth
        if told[kind] != truth[kind]
    ]


def shown(scenario: str, truth: Mapping[str, Any]) -> list[str]:
    """Return what a truth lacks of what its scenario is about, so that none runs by name only."""
    outcomes = {call["outcome"] for call in truth["tool_calls"]}
    roles = {agent["role"] for agent in truth["agents"]}
    ends = {agent["outcome"] for agent in truth["agents"] if agent["role"] == "top"}
    checks = {
        "tool_error": "error" in outcomes,
        "agent_error": ends == {"error"},
        "mid_error": ends == {"error"} and truth["llm_calls_ok"] > 0,
        "streaming": truth["streamed"] > 0,
        "streaming_usage": truth["streamed"] > 0,
        "responses_streaming": truth["streamed"] > 0,
        "parallel": truth["most_tools_at_once"] > 1,
        "nested": "nested" in roles,
        "agent_as_tool": "nested" in roles,
        "nested_function": "nested" in roles,
        "handoff": "handoff" in roles,
        "swarm": "handoff" in roles,
        "team": "member" in roles,
        "cancelled": ends == {"cancelled"} and "cancelled" in outcomes,
        "many": len(truth["agents"]) == 100,
    }
    return [] if checks.get(scenario, True) else [f"the run shows no {scenario}"]
