"""The pages of frameworks say what is so: their programs are run, and count what happened.

Here are those whose framework the development environment has. ``make test-frameworks`` runs all of
them, each in its environment, by the same helper (``run_guides.py``).
"""

import re
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.docs import pages
from tests.frameworks import guides
from tests.frameworks.matrix import FRAMEWORKS, environment_of
from tests.frameworks.run_guides import CALLED, Ran, problems, run

HERE = ("langchain", "openai-agents", "pydantic-ai")


@cache
def ran(framework: str) -> Ran:
    """Run the program of a page once."""
    return run(framework, Path(sys.executable))


@pytest.mark.slow
@pytest.mark.parametrize("framework", HERE)
def test_the_program(framework: str) -> None:
    """The program prints what the page shows, and what its tool and the model API saw."""
    assert list(problems(ran(framework))) == []


def test_what_runs_here_can_run_here() -> None:
    """The development environment has the packages of these pages, and of no other."""
    there = {canonicalize_name(one.name) for one in distributions()}
    assert [name for name in guides.names() if set(guides.installed(name)) <= there] == list(HERE)


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (r"(invocations_total.* )1$", r"\g<1>2"),
        (r"(tool_calls_total.* )1$", r"\g<1>2"),
        (r"(inference_calls_total.* )2$", r"\g<1>3"),
        (r"(input_tokens_total.* )\d+$", r"\g<1>7"),
        (r"(output_tokens_total.* )\d+$", r"\g<1>7"),
        (r'agent_id="finder"', 'agent_id="stranger"'),
        (r"^(marketplace)", r"Another line \1"),
    ],
)
def test_a_wrong_figure_is_seen(pattern: str, replacement: str) -> None:
    """A figure that is not the truth, or a line that the page does not show, is a problem."""
    right = ran("pydantic-ai")
    printed = [re.sub(pattern, replacement, line) for line in right.printed]
    assert printed != right.printed
    assert list(problems(replace(right, printed=printed))) != []


def test_a_program_that_does_little_is_seen() -> None:
    """A run without a call of the tool, one that fails and one that prints less are problems."""
    right = ran("pydantic-ai")
    idle = replace(right.truth, tools=Counter[tuple[str, str]]())
    assert any("no tool" in one for one in problems(replace(right, truth=idle)))
    assert any("ended with 1" in one for one in problems(replace(right, status=1)))
    assert any("lines" in one for one in problems(replace(right, printed=right.printed[:-1])))


def test_every_framework_has_a_page() -> None:
    """Each framework that is run live and is no client has one; no page is of another."""
    environments = {path.stem for path in guides.ENVIRONMENTS.glob("*.in")}
    assert environments >= {environment_of(name) for name in FRAMEWORKS}
    guided = {name for name, framework in FRAMEWORKS.items() if framework.guide}
    assert set(guides.names()) | guides.ELSEWHERE.keys() == guided
    for page in guides.ELSEWHERE.values():
        assert (pages.DOCS / page).exists()


def test_every_page_is_in_the_index() -> None:
    """The index links the page of each framework, once, and the compatibility table."""
    index = (guides.FOLDER / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r"^\| \[[^\]]+\]\(([^)]+)\)", index, re.MULTILINE)
    wanted = [f"{name}.md" for name in guides.names()]
    wanted += [f"../{page}" for page in guides.ELSEWHERE.values()]
    assert sorted(linked) == sorted(wanted)
    assert "(compatibility.md)" in index


@pytest.mark.parametrize("framework", guides.names())
def test_what_is_not_told_is_what_the_runs_found(framework: str) -> None:
    """The section is as generated; else run ``python -m tests.frameworks.guides``."""
    assert guides.path_of(framework).read_text(encoding="utf-8") == guides.as_generated(framework)


@pytest.mark.parametrize("framework", guides.names())
def test_what_is_installed_is_what_is_run(framework: str) -> None:
    """The environment has what the page installs, and the page has an instrumentation by name."""
    lines = (guides.ENVIRONMENTS / f"{framework}.in").read_text(encoding="utf-8").splitlines()
    there = {Requirement(line).name for line in lines}
    assert set(guides.installed(framework)) <= there
    assert guides.variant(framework).startswith(f"{framework}/")


def test_pages_are_alike() -> None:
    """Pages begin with the same parts; their programs are the same but for the framework."""
    assert len(guides.names()) >= 10
    common = set[str]()
    for framework in guides.names():
        page = guides.page_of(framework)
        (program,) = pages.blocks(page, "python")
        assert program.file == "finder.py"
        assert re.findall(r"^#+ .*$", _without_blocks(page), re.MULTILINE)[1:3] == [
            "## What it does not tell",
            "## The listing",
        ]
        names = {name for name, _ in pages.exported(page)}
        assert "AGENT_ANALYTICS_PUBLISHER_ID" in names
        assert ["python", "finder.py"] in pages.commands(page)
        lines = {line.strip() for line in program.text.splitlines()}
        common = common & lines if common else lines
        assert "@agent" not in program.text
    assert 'runtime = configure(service_name="finder", instrument=True, hold_seconds=0)' in common
    assert f'print("{CALLED.strip()}", query)' in common


def _without_blocks(page: str) -> str:
    text = (pages.DOCS / page).read_text(encoding="utf-8")
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
