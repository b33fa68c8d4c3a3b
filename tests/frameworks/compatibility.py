"""Writes ``docs/frameworks/compatibility.md`` from what ``make test-frameworks`` measured."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.dialects import recordings as r
from tests.frameworks.matrix import CANNOT, FRAMEWORKS, SCENARIOS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "frameworks" / "compatibility.md"
RESULTS = Path(__file__).parent / "results.json"
Entry = Mapping[str, Any]

WORDS = {
    r.INVOCATIONS: "invocations",
    r.OUTCOMES: "their outcomes",
    r.TOOLS: "tool calls",
    r.TOOL_OUTCOMES: "outcomes of tool calls",
    r.MODELS: "model calls",
    r.INPUT: "input tokens",
    r.OUTPUT: "output tokens",
    r.CACHED: "cached tokens",
    r.REASONING: "reasoning tokens",
    r.NAMES: "the agent's name",
}
#: How much it is missed, where instrumentations are put in order.
WEIGHTS = {
    r.INVOCATIONS: 100,
    r.OUTCOMES: 40,
    r.INPUT: 30,
    r.OUTPUT: 30,
    r.TOOLS: 30,
    r.MODELS: 20,
    r.TOOL_OUTCOMES: 10,
    r.CACHED: 3,
    r.REASONING: 2,
    r.NAMES: 5,
}
HEAD = """# Which frameworks are counted, and by what

Written by `make test-frameworks`, which runs each framework live in an environment of its own,
against a local look-alike of the model's API, and compares every count with what really happened:
bare, and again under `@agent`. What an instrumentation does not tell cannot be counted, and is
named here; everything else was exact. Inside `@agent`, invocations and their outcomes are always
counted.

Packages are installed beside the framework and switched on; several mean that all are at work at
once, and still each thing counts once. Native spans need no package.
`tests/frameworks/lab/drivers` shows how each framework is set up.

A client of a model has neither agents nor tools: of a client model calls and tokens are compared,
with the listing named by the resource, and again under `@agent`, which makes the invocation. Names
that end in a version are of an older release that people still run.

## The best of each framework

| framework | version | instrumentation | not told |
|---|---|---|---|
"""
CLIENTS_HEAD = """
## The best of each client

| client | version | instrumentation | not told |
|---|---|---|---|
"""


def page(entries: Sequence[Entry]) -> str:
    """Return the page."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry["framework"], []).append(entry)
    lines = [HEAD.rstrip("\n")]
    for rows in groups.values():
        rows.sort(key=_worse)
    lines += _best(groups, client=False)
    if clients := _best(groups, client=True):
        lines += [CLIENTS_HEAD.rstrip("\n"), *clients]
    used = {name for entry in entries for name in entry["passed"]}
    lines += ["", "## What the scenarios are", ""]
    lines += [f"- `{name}`: {what}" for name, what in SCENARIOS.items() if name in used]
    lines += ["", "## Each framework", "", "The best instrumentation comes first."]
    for framework, rows in sorted(groups.items()):
        lines += ["", f"### {framework}", ""]
        lines.append(f"`{rows[0]['package']}` {rows[0]['version']}.")
        if note := FRAMEWORKS[framework].note:
            lines.append(note)
        lines += ["", "| instrumentation | scenarios run live | counted | not told |"]
        lines.append("|---|---|---|---|")
        lines += [
            f"| {_instrumentation(row)} | {_scenarios(row, rows[0])} | {_counted(row)} "
            f"| {_not_told(row)} |"
            for row in rows
        ]
    if CANNOT:
        lines += ["", "## What cannot be run", ""]
        lines += [f"- {key}: {reason}" for key, reason in sorted(CANNOT.items())]
    return "\n".join(lines) + "\n"


def _best(groups: Mapping[str, Sequence[Entry]], *, client: bool) -> list[str]:
    return [
        f"| [{framework}](#{framework.replace('.', '')}) | {rows[0]['version']} "
        f"| {_instrumentation(rows[0])} | {_not_told(rows[0]) or 'nothing is missing'} |"
        for framework, rows in sorted(groups.items())
        if FRAMEWORKS[framework].client is client
    ]


def _worse(entry: Entry) -> tuple[int, int, int, str]:
    missing = 0
    for scenario, items in entry["not_told"].items():
        weight = sum(WEIGHTS[item] for item in items)
        missing += weight * 10 if scenario == "*" else weight
    packages = len(entry["instrumentation_packages"])
    return len(entry["not_passed"]), missing, packages, entry["instrumentation"]


def _instrumentation(entry: Entry) -> str:
    packages = entry["instrumentation_packages"]
    names = ", ".join(f"`{name}` {version}" for name, version in packages.items())
    own = "native spans" if FRAMEWORKS[entry["framework"]].native else ""
    if entry["instrumentation"].startswith("native-"):
        own += f", {entry['instrumentation'].removeprefix('native-')}"
    return " and ".join(part for part in (own, names) if part)


def _scenarios(entry: Entry, first: Entry) -> str:
    passed: list[str] = entry["passed"]
    wrong: list[str] = entry["not_passed"]
    same = entry is not first and passed == first["passed"]
    words = f"the same {len(passed)}" if same else ", ".join(passed)
    return words + (f"; **counted wrongly:** {', '.join(wrong)}" if wrong else "")


def _counted(entry: Entry) -> str:
    if len(entry["counted"]) == len(WORDS):
        return "everything"
    if FRAMEWORKS[entry["framework"]].client and not _not_told(entry):
        return "everything that a client has"
    return ", ".join(word for item, word in WORDS.items() if item in entry["counted"])


def _not_told(entry: Entry) -> str:
    parts: list[str] = []
    client = FRAMEWORKS[entry["framework"]].client
    for scenario, items in entry["not_told"].items():
        words = _tokens([item for item in items if not (client and item == r.INVOCATIONS)])
        if not words:
            continue
        parts.append(words if scenario == "*" else f"in `{scenario}`: {words}")
    return "; ".join(parts)


def _tokens(items: Sequence[str]) -> str:
    left = set(items)
    words: list[str] = []
    if left >= r.TOKENS:
        words.append("tokens")
        left -= r.TOKENS
    return ", ".join([word for item, word in WORDS.items() if item in left] + words)


def results() -> list[Entry]:
    """Return what was measured."""
    entries: list[Entry] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return entries


def write() -> None:
    """Write the page."""
    PAGE.write_text(page(results()), encoding="utf-8")


if __name__ == "__main__":
    write()
