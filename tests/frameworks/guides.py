"""The pages of ``docs/frameworks/``: which instrumentation each installs, and what is not told."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from tests.dialects import recordings as r
from tests.docs import pages
from tests.frameworks.compatibility import results
from tests.frameworks.matrix import FRAMEWORKS, SCENARIOS

FOLDER: Final = pages.DOCS / "frameworks"
ENVIRONMENTS: Final = Path(__file__).parent / "environments"
#: Pages of the folder that are about no single framework.
OTHERS: Final = ("README", "compatibility")
#: The protocol by which tools are called has a page beside the folder.
ELSEWHERE: Final = {"mcp": "mcp.md"}

WORDS: Final = {
    r.INVOCATIONS: "invocations",
    r.OUTCOMES: "outcomes of invocations",
    r.TOOLS: "tool calls",
    r.TOOL_OUTCOMES: "outcomes of tool calls",
    r.MODELS: "model calls",
    r.INPUT: "input tokens",
    r.OUTPUT: "output tokens",
    r.CACHED: "cached tokens",
    r.REASONING: "reasoning tokens",
    r.NAMES: "the agent's name",
}
HEADING: Final = "## What it does not tell\n"
_SECTION: Final = re.compile(rf"(?<=^{HEADING})(.*?)(?=^## )", re.MULTILINE | re.DOTALL)


def names() -> list[str]:
    """Return the frameworks that have a page of their own in the folder."""
    return sorted(path.stem for path in FOLDER.glob("*.md") if path.stem not in OTHERS)


def path_of(framework: str) -> Path:
    """Return where the page of a framework is, whether it is there or not."""
    return FOLDER / f"{framework}.md"


def page_of(framework: str) -> str:
    """Return the page as ``tests.docs.pages`` names it."""
    return f"frameworks/{framework}.md"


def installed(framework: str) -> list[str]:
    """Return the distributions that the page says to install."""
    (words,) = [w for w in pages.commands(page_of(framework)) if w[:2] == ["pip", "install"]]
    return [Requirement(word).name for word in words[2:]]


@cache
def instrumentations() -> frozenset[str]:
    """Return every instrumentation that an environment of a framework has."""
    return frozenset(
        Requirement(line).name
        for path in ENVIRONMENTS.glob("*.in")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "-instrumentation-" in line
    )


def variant(framework: str) -> str:
    """Return which of the instrumentations that are run live the page installs.

    Raises:
        ValueError: It installs what is not run live.
    """
    here = instrumentations() & frozenset(installed(framework))
    for name, packages in FRAMEWORKS[framework].instrumentations.items():
        if here == frozenset(packages):
            return f"{framework}/{name}"
    message = f"{page_of(framework)} installs what is not run live: {', '.join(sorted(here))}"
    raise ValueError(message)


def not_told(framework: str) -> str:
    """Return what stands under the heading: what the live runs found to be missing."""
    return "\n" + "".join(f"{line}\n" for line in _lines(variant(framework))) + "\n"


def _lines(name: str) -> Iterator[str]:
    untold = r.UNTOLD.get(name, {})
    wrong = [
        f"`{scenario}`"
        for entry in results()
        if f"{entry['framework']}/{entry['instrumentation']}" == name
        for scenario in entry["not_passed"]
    ]
    if wrong:
        yield f"- Counted wrongly in the last live run: {', '.join(wrong)}."
    elif not untold:
        yield (
            "Nothing is missing: with what this page installs, every scenario of the\n"
            "[compatibility table](compatibility.md) counts right."
        )
        return
    for scenario, items in sorted(untold.items()):
        words = ", ".join(word for item, word in WORDS.items() if item in items)
        where = "Always" if scenario == "*" else f"In `{scenario}` ({SCENARIOS[scenario]})"
        yield f"- {where}: {words}."


def as_generated(framework: str) -> str:
    """Return the page with the section anew.

    Raises:
        ValueError: The page has no such section.
    """
    text = path_of(framework).read_text(encoding="utf-8")
    made, found = _SECTION.subn(lambda _: not_told(framework), text)
    if found != 1:
        message = f"{page_of(framework)} has no section {HEADING.strip()!r} before its last one"
        raise ValueError(message)
    return made


def write() -> None:
    """Write the section of every page anew."""
    for framework in names():
        path_of(framework).write_text(as_generated(framework), encoding="utf-8")


if __name__ == "__main__":
    write()
