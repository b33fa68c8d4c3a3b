"""Some recording rules alone, and promtool over what they read."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from tests.tools import Run

from agent_analytics.insights import write_rules


def rules_of(directory: Path, wanted: re.Pattern[str]) -> list[dict[str, Any]]:
    """Return the groups of rules, with what is recorded under some names alone."""
    groups = [
        group
        for path in write_rules(directory)
        if path.name != "oncall.yml"
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    ]
    for group in groups:
        group["rules"] = [
            rule for rule in group["rules"] if wanted.fullmatch(rule.get("record", ""))
        ]
    return [group for group in groups if group["rules"]]


def run(
    promtool: Run,
    directory: Path,
    groups: Sequence[Mapping[str, Any]],
    tests: Sequence[Mapping[str, Any]],
    every: str,
) -> None:
    """Let promtool run tests of rules."""
    rules, file = directory / "rules.json", directory / "cases.json"
    # JSON is YAML.
    rules.write_text(json.dumps({"groups": groups}), encoding="utf-8")
    document = {
        "rule_files": [str(rules)],
        "evaluation_interval": every,
        "group_eval_order": [group["name"] for group in groups],
        "tests": tests,
    }
    file.write_text(json.dumps(document, indent=1), encoding="utf-8")
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr
