"""A page begins with what one can do after it, and the smallest example is on its first screen."""

import re
from pathlib import Path

import pytest
from tests.docs.pages import DOCS

#: Generated from the code, and looked up rather than read from the top.
_LOOKED_UP = {"metrics.md", "compatibility.md"}
PAGES = [
    path
    for path in sorted([*DOCS.glob("*.md"), *DOCS.glob("frameworks/*.md")])
    if path.name not in _LOOKED_UP
]
#: Lines that a reader sees without scrolling.
_SCREEN = 30


def lacking(text: str) -> list[str]:
    """Return what the first screen of a page lacks."""
    screen = text.splitlines()[:_SCREEN]
    first = next((line for line in screen[1:] if line.strip()), "")
    missing: list[str] = []
    if not re.match(r"After (this|the) page[ ,]", first):
        missing.append("what one can do after it")
    if not any(line.startswith("```") for line in screen):
        missing.append("an example")
    return missing


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_a_page_begins_with_its_use(path: Path) -> None:
    """The first sentence says what the reader can do after the page; an example is in sight."""
    assert lacking(path.read_text(encoding="utf-8")) == []


def test_the_readme_begins_with_its_use() -> None:
    """So does the page that every reader begins with, below its first sentence."""
    first, *_ = (DOCS.parent / "README.md").read_text(encoding="utf-8").split("\n```", 1)
    assert "After this page you " in " ".join(first.split())


def test_a_page_that_begins_otherwise_is_seen() -> None:
    """A page that begins with how a thing is made, and shows an example far below, lacks both."""
    begins = "# A page\n\nA module does this.\n" + "\n" * _SCREEN + "```sh\nls\n```\n"
    assert lacking(begins) == ["what one can do after it", "an example"]
