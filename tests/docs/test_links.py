"""Links from one page of the repository to another lead somewhere."""

import re
from functools import cache
from pathlib import Path

import pytest
from tests.docs.pages import DOCS

ROOT = DOCS.parent
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md"), *ROOT.glob("benchmarks/*.md")])
_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:")


@cache
def prose(path: Path) -> str:
    """Return a page without its fenced blocks."""
    return _BLOCK.sub("", path.read_text(encoding="utf-8"))


@cache
def anchors(path: Path) -> set[str]:
    """Return what the headings of a page are called in links."""
    found = set[str]()
    for heading in re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower())
        found.add(words.replace(" ", "-"))
    return found


def broken(path: Path) -> list[str]:
    """Return the links of a page that lead nowhere."""
    wrong: list[str] = []
    for link in _LINK.findall(prose(path)):
        if _ELSEWHERE.match(link):
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links(path: Path) -> None:
    """Every relative link is to a file that exists, and to a heading that it has."""
    assert broken(path) == []


def test_every_page_can_be_reached() -> None:
    """From README.md every page of docs/ is linked, over others if need be."""
    reached, ahead = set[Path](), [ROOT / "README.md"]
    while ahead:
        path = ahead.pop()
        if path in reached:
            continue
        reached.add(path)
        for link in _LINK.findall(prose(path)):
            target = (path.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target.exists():
                ahead.append(target)
    assert {path for path in PAGES if path.is_relative_to(DOCS)} - reached == set()


def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    """A file that is not there, and a heading that is not there, are told; other sites are not."""
    page = tmp_path / "page.md"
    page.write_text("# A `b`, c\n[1](#a-b-c) [2](#d) [3](no.md) [4](https://example.com) [5](.)\n")
    assert broken(page) == ["#d", "no.md"]
