"""Pages that say where something stands in the code are right."""

import re
from pathlib import Path

import pytest
from tests.docs.pages import DOCS

ROOT = DOCS.parent
PACKAGES = ("instrumentation", "processor", "exporters", "grafana", "portal", "cli", "demo")
MODULES = {
    path.stem if path.suffix else path.name
    for package in PACKAGES
    for path in (ROOT / package / "agent_analytics").rglob("_*")
}
#: A private module; what begins or ends with two underscores is none, nor is a part of a word.
_MODULE = re.compile(r"(?<![\w.])_[a-z]\w*(?!\w)")


@pytest.mark.parametrize("page", ["architecture.md", "counting.md"])
def test_modules_exist(page: str) -> None:
    """Every private module that the page names is there."""
    text = (DOCS / page).read_text(encoding="utf-8")
    named = set(_MODULE.findall(re.sub(r"`_other`", "", text)))
    assert len(named) >= 10
    assert named - MODULES == set()


def test_what_reads_spans_of_frameworks_is_told() -> None:
    """The page of the architecture names each module that has a part in it."""
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    parts = (
        *("_dialects", "_runs/tracker", "_runs/correlate", "_spans/undecided", "_trees/roles"),
        *("_trees/deduplicate", "_count/count_run"),
    )
    assert [name for name in parts if f"`{name}`" not in text] == []
    rooms = ROOT / "processor" / "agent_analytics" / "processor"
    assert [name for name in parts if not list(rooms.glob(f"{name}*"))] == []


def test_where_rules_are_kept_and_tested() -> None:
    """Every path of the table of rules exists in its package; so do its tests."""
    text = (DOCS / "counting.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \d+ \|.*\| (.*) \| (.*) \|$", text, re.MULTILINE)
    assert len(rows) == 10
    for code, tests in rows:
        folder = Path()
        for package, name in re.findall(r"`(?:(\w+)/…/)?([\w./…]*)`", code):
            if package:
                folder = ROOT / package / "agent_analytics" / package
            assert (folder / name.rstrip("…")).exists(), (code, name)
        for name in re.findall(r"`([^`:]*)(?:::[^`]*)?`", tests):
            assert (ROOT / name).exists(), name
