"""docs/instrumenting.md: its programs run as they stand; Python on every page compiles."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs import pages
from tests.patience import patience

PAGE = "instrumenting.md"
PYTHON = [
    (path.relative_to(pages.DOCS.parent), number, block)
    for path in sorted([*pages.DOCS.rglob("*.md"), pages.DOCS.parent / "README.md"])
    for number, block in enumerate(
        pages.blocks(os.path.relpath(path, pages.DOCS), "python"), start=1
    )
]


def run(program: Path) -> list[str]:
    """Run a program, which must end well, and return the lines that it prints."""
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "AGENT_ANALYTICS_"))
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program)],
        cwd=program.parent,
        env=env | {"AGENT_ANALYTICS_METRICS_PORT": "0", "AGENT_ANALYTICS_TENANT_KEY": "k"},
        capture_output=True,
        text=True,
        timeout=patience(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("number", "name"), [(0, "finder.py"), (1, "events.py")], ids=["agent", "events"]
)
def test_the_programs(number: int, name: str, tmp_path: Path) -> None:
    """Each whole program prints what the page shows below it."""
    shown = pages.blocks(PAGE, "text")[number].text.splitlines()
    assert run(pages.write_programs(PAGE, tmp_path)[name]) == shown


def test_the_test_of_ones_own_passes(tmp_path: Path) -> None:
    """The test that the page shows passes, and fails where the price is another."""
    program = pages.write_programs(PAGE, tmp_path)["test_finder.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(program)]
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "AGENT_ANALYTICS_", "PYTEST_"))
    }

    def passes() -> bool:
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=kept,
            capture_output=True,
            text=True,
            timeout=patience(),
            check=False,
        )
        return done.returncode == 0

    assert passes()
    text = program.read_text(encoding="utf-8")
    program.write_text(text.replace('price_usd="0.05"', 'price_usd="0.07"'), encoding="utf-8")
    assert not passes()


def test_the_agent_counts_what_it_did(tmp_path: Path) -> None:
    """The agent that calls its tool more often, and for more tenants, is counted so."""
    program = pages.write_programs(PAGE, tmp_path)["finder.py"]
    text = program.read_text(encoding="utf-8")
    call = re.search(r"^print\(asyncio\.run\(find\(.*\n", text, re.MULTILINE)
    assert call is not None
    program.write_text(text.replace(call[0], call[0] * 3), encoding="utf-8")
    printed = run(program)
    searched = sum(line.startswith("searching: ") for line in printed)
    figures = [float(line.rsplit(" ", 1)[1]) for line in printed if line.startswith("marketplace_")]
    assert searched == 3
    assert figures == [3, pytest.approx(0.05 * 3), 900 * 3, 120 * 3, searched, 3]


@pytest.mark.parametrize(
    "block", [block for _, _, block in PYTHON], ids=[f"{path}-{n}" for path, n, _ in PYTHON]
)
def test_python_compiles(block: pages.Block) -> None:
    """Every Python block is Python; a part of a coroutine may await."""
    compile(block.text, "block", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
