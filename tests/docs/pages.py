"""Reads the fenced blocks of a page of the documentation, so that tests run what it says."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parents[2] / "docs"
_FENCED: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE: Final = re.compile(r"# (\S+\.py)\n")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        language: What stands behind the fence.
        text: What is between the fences.
    """

    language: str
    text: str

    @property
    def file(self) -> str | None:
        """Name of the file that it is, as its first line says: ``# finder.py``."""
        found = _FILE.match(self.text)
        return found[1] if found else None


def blocks(page: str, language: str = "") -> list[Block]:
    """Return the blocks of a page of ``docs/``, in order; of one language, if one is given."""
    text = (DOCS / page).read_text(encoding="utf-8")
    found = [Block(name, body) for name, body in _FENCED.findall(text)]
    return [block for block in found if not language or block.language == language]


def write_programs(page: str, folder: Path) -> dict[str, Path]:
    """Write each Python block that names its file, and return where by name."""
    written: dict[str, Path] = {}
    for block in blocks(page, "python"):
        if block.file is not None:
            written[block.file] = folder / block.file
            written[block.file].write_text(block.text, encoding="utf-8")
    return written


def commands(page: str) -> list[list[str]]:
    """Return every command of a page's shell blocks as words."""
    return [
        shlex.split(line, comments=True)
        for block in blocks(page, "sh")
        for line in block.text.splitlines()
        if line.strip()
    ]


def exported(page: str) -> list[tuple[str, str]]:
    """Return the variables that a page's shell blocks export, with their values."""
    found: list[tuple[str, str]] = []
    for words in commands(page):
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            found.append((name, value))
    return found


def shown(line: str) -> re.Pattern[str]:
    """Return the pattern of a line that a page shows; ``…`` stands for anything."""
    return re.compile(".*".join(re.escape(part) for part in line.split("…")))
