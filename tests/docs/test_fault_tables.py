"""Each row of the tables of faults and attacks names what shows it, and that is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("docs/reliability.md", "SECURITY.md")
_PROOF = re.compile(r"`((?:tests|benchmarks)/\S+?\.py)(?:::(\w+))?`|`(make \S[^`]*)`")
_TARGETS = re.compile(r"^([a-z-]+):", re.MULTILINE)


_CHOICE = re.compile(r'make prove ARGS="-k (\w+)"')


def proofs() -> set[str]:
    """Return the names of long proofs: those of their modules, and of their functions."""
    names: set[str] = set()
    for path in [*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("benchmarks/test_*.py")]:
        text = path.read_text(encoding="utf-8")
        if "pytest.mark.prove" in text:
            names |= {path.stem, *re.findall(r"def (test_\w+)", text)}
    return names


def rows(page: str) -> list[list[str]]:
    """Return the cells of every row of the tables of a page that end with "shown by"."""
    found: list[list[str]] = []
    inside = False
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif cells[-1] == "shown by":
            inside = True
        elif inside and set(line) - set("|- "):
            found.append(cells)
    return found


def unproven(cells: list[str]) -> list[str]:
    """Return what is wrong with the last cell of a row."""
    proofs = _PROOF.findall(cells[-1])
    if not proofs:
        return [f"{cells[0]}: nothing shows it"]
    wrong: list[str] = []
    targets = _TARGETS.findall((ROOT / "Makefile").read_text(encoding="utf-8"))
    for path, test, command in proofs:
        if command and command.split()[1] not in targets:
            wrong.append(f"{cells[0]}: no target for {command}")
        elif path and not (ROOT / path).is_file():
            wrong.append(f"{cells[0]}: {path} is not there")
        elif test and f"def {test}(" not in (ROOT / path).read_text(encoding="utf-8"):
            wrong.append(f"{cells[0]}: {path} has no {test}")
    return wrong


@pytest.mark.parametrize("page", PAGES)
def test_each_row_names_what_shows_it(page: str) -> None:
    """Tests and targets that the tables name exist."""
    found = rows((ROOT / page).read_text(encoding="utf-8"))
    assert found
    assert [wrong for cells in found for wrong in unproven(cells)] == []


@pytest.mark.parametrize("page", PAGES)
def test_what_make_prove_is_asked_for_is_there(page: str) -> None:
    """A word behind ``-k`` that no proof has would run nothing."""
    words = _CHOICE.findall((ROOT / page).read_text(encoding="utf-8"))
    assert [word for word in words if not any(word in name for name in proofs())] == []


@pytest.mark.parametrize(
    "proof",
    [
        "",
        "trust us",
        "`tests/docs/test_gone.py`",
        "`tests/docs/test_fault_tables.py::test_gone`",
        "`make miracles`",
    ],
)
def test_a_row_without_proof_is_seen(proof: str) -> None:
    """A row that names nothing, or what is not there, fails the check."""
    table = f"| fault | shown by |\n|---|---|\n| x | {proof} |\n"
    assert [wrong for cells in rows(table) for wrong in unproven(cells)]
