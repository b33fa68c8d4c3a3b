"""Whatever the page says about a program without code is what happens when it is done."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import pytest
from packaging.requirements import Requirement
from tests.docs import pages
from tests.patience import patience
from tests.zero_code.launch import ACME, INSTRUMENT, PLAIN, asked, running, serving

PAGE = "zero-code.md"
#: Only what the reader of the page has installed, and its distro alone.
READER = ACME | {"AGENT_ANALYTICS_INSTRUMENT": "pydantic-ai"}


@pytest.fixture
def api() -> Iterator[Any]:
    """Run the model API, whose model asks for a search before it answers."""
    with serving(["search"]) as server:
        yield server


def lines(language: str) -> list[str]:
    """Return every line of the page's blocks of a language."""
    return [line for block in pages.blocks(PAGE, language) for line in block.text.splitlines()]


def test_the_two_commands(api: Any, tmp_path: Path) -> None:  # noqa: ANN401 - untyped
    """The first program, by the page's command, prints and serves what the page shows."""
    program = pages.write_programs(PAGE, tmp_path)["finder.py"]
    settings = dict(pages.exported(PAGE)[:2])
    assert settings == {
        "AGENT_ANALYTICS_PUBLISHER_ID": "acme",
        "AGENT_ANALYTICS_HOLD_SECONDS": "0",
    }
    assert ["opentelemetry-instrument", "python", "finder.py"] in pages.commands(PAGE)
    assert Path(INSTRUMENT[0]).name == "opentelemetry-instrument"
    command = (*INSTRUMENT, str(program))
    with running("", READER | settings | asked(api), command=command) as started:
        question = cast("IO[str]", started.process.stdin)
        question.write("Where is the station?\n")
        question.flush()
        assert cast("IO[str]", started.process.stdout).readline().endswith(f"{api.answer}\n")
        text = started.text()
        question.write("\n")
        said = started.finish()
    assert started.process.returncode == 0, said
    for line in lines("text"):
        where = said if line.startswith("agent-analytics:") else text
        line_here = line.replace(":9464/", f":{started.port}/")
        assert pages.shown(line_here).search(where), f"{line} is not in {where}"


@pytest.mark.slow
def test_one_line_in_code(api: Any, tmp_path: Path) -> None:  # noqa: ANN401 - untyped
    """The second program says what it found before it answers."""
    program = pages.write_programs(PAGE, tmp_path)["with_a_line.py"]
    settings = ACME | asked(api)
    with running("", settings, command=(*PLAIN, str(program))) as started:
        told, _ = started.process.communicate(timeout=patience())
    found = told.splitlines()
    assert started.process.returncode == 0
    assert found[-1] == api.answer
    assert any(re.match(r"on pydantic-ai \(pydantic-ai-slim \S+\)", line) for line in found)


def test_what_is_installed_exists() -> None:
    """The page installs a framework that the tests have, beside this project."""
    (words,) = [words for words in pages.commands(PAGE) if words[:2] == ["pip", "install"]]
    names = [Requirement(word).name for word in words[2:]]
    assert names == ["pydantic-ai-slim"]


@pytest.mark.parametrize(
    ("names", "where"),
    [
        (r"\bAGENT_ANALYTICS_[A-Z_]*[A-Z]\b", ("exporters", "processor")),
        (r"\b(?:marketplace_agent|agent_analytics)_\w+_total\b", ("processor",)),
    ],
    ids=["variables", "metrics"],
)
def test_names_exist(names: str, where: tuple[str, ...]) -> None:
    """Every variable and metric that the page names stands in the code."""
    code = "".join(
        path.read_text(encoding="utf-8")
        for folder in where
        for path in (pages.DOCS.parent / folder).rglob("*.py")
    )
    named = set(re.findall(names, (pages.DOCS / PAGE).read_text(encoding="utf-8")))
    assert len(named) >= 3
    assert {name for name in named if f'"{name}"' not in code} == set()


#: Commands that install this project under its own name, which works from the first release on.
_BY_NAME = re.compile(r"pip install [^`\n]*agent-analytics")


@pytest.mark.parametrize(
    "path",
    [pages.DOCS.parent / "README.md", *sorted(pages.DOCS.rglob("*.md"))],
    ids=lambda path: str(path.relative_to(pages.DOCS.parent)),
)
def test_one_page_says_how_to_install(path: Path) -> None:
    """A page that installs something links the one that says how until the first release."""
    text = path.read_text(encoding="utf-8")
    if path.name != "install.md" and re.search(r"^pip install", text, re.MULTILINE):
        assert "install.md)" in text
    if _BY_NAME.search(text):
        assert path.name in {"install.md", "production.md", "costs.md"}
        assert re.search(r"[Uu]ntil the\s+first release|while there is no release", text)


@pytest.mark.parametrize(
    "path",
    [pages.DOCS / PAGE, *sorted((pages.DOCS / "frameworks").glob("*.md"))],
    ids=lambda path: path.name,
)
def test_the_key_of_the_provider_is_named(path: Path) -> None:
    """A page whose program asks a model of OpenAI's exports the key that its client takes."""
    page = str(path.relative_to(pages.DOCS))
    if any("gpt-4o" in block.text for block in pages.blocks(page, "python")):
        assert "OPENAI_API_KEY" in dict(pages.exported(page))


@pytest.mark.parametrize(
    "path", sorted((pages.DOCS / "frameworks").glob("*.md")), ids=lambda path: path.name
)
def test_a_page_of_a_framework_has_the_way_without_code(path: Path) -> None:
    """Whoever switches a framework on in code reads that it goes without, and where."""
    text = path.read_text(encoding="utf-8")
    if "instrument=True" in text:
        assert "zero-code.md)" in text
        assert path.name == "README.md" or "`opentelemetry-instrument` in front of" in text
