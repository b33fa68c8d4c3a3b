"""Which core counts: the compiled one where it is of this very text, and else the one in Python."""

import compileall
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from agent_analytics.processor import _count, core_in_use

PROGRAM = """
import ast, sys
sys.path[:] = ast.literal_eval(sys.argv[1])
from agent_analytics.processor import core_in_use
print(core_in_use())
import agent_analytics.processor._count.core
core = agent_analytics.processor._count.core
print(core.__file__, getattr(core, "COMPILED", True), sep="\\n")
"""
FOLDER = Path(_count.__file__).parent
NAME = f"core{EXTENSION_SUFFIXES[0]}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the source of the core, and something that passes for a compiled one."""
    monkeypatch.delenv(_count.PURE, raising=False)
    for name in ("core.py", "core.pxd"):
        shutil.copy(FOLDER / name, tmp_path)
    (tmp_path / NAME).write_bytes(b"")
    (tmp_path / f"{NAME}.sha256").write_text(_count.mark_of(tmp_path), encoding="ascii")
    return tmp_path


def _copied(where: Path) -> Path:
    """Copy the processor without a compiled core, and return the folder of the core."""
    copied = where / "agent_analytics" / "processor"
    shutil.copytree(
        FOLDER.parent, copied, ignore=shutil.ignore_patterns("core.*.so*", "__pycache__")
    )
    return copied / "_count"


def _without_source(where: Path) -> Path:
    """Copy the processor as ``.pyc`` alone, and return the folder of the core."""
    there = _copied(where)
    assert compileall.compile_dir(where, quiet=1, legacy=True)
    for source in where.rglob("*.py"):
        source.unlink()
    return there


def _said(where: Path, **variables: str) -> list[str]:
    """Import the processor there; return the core in use, its file, and whether it is compiled."""
    path = [str(where), *(path for path in sys.path if path)]
    env = {name: value for name, value in os.environ.items() if name != _count.PURE}
    imported = subprocess.run(  # what is tested is an import
        [sys.executable, "-S", "-c", PROGRAM, repr(path)],
        env=env | variables, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert imported.returncode == 0, imported.stderr
    return imported.stdout.splitlines()


def test_of_this_very_text(folder: Path) -> None:
    """A compiled core of the text that is there is used."""
    assert _count.why_pure(folder) is None


def test_none(folder: Path) -> None:
    """Without a compiled core there is the one in Python."""
    (folder / NAME).unlink()
    assert _count.why_pure(folder) == "none is compiled"


@pytest.mark.parametrize("changed", ["core.py", "core.pxd"])
def test_of_another_text(folder: Path, changed: str) -> None:
    """A compiled core of another text than is there, by a byte, is not used."""
    with (folder / changed).open("a", encoding="utf-8") as file:
        file.write("#")
    assert _count.why_pure(folder) == "the compiled one is of another text"


@pytest.mark.parametrize("mark", [None, b"", b"\xff\xfe", b"0" * 64])
def test_of_nobody_knows_what(folder: Path, mark: bytes | None) -> None:
    """A compiled core that nothing, or nothing sensible, is said of is not used."""
    if mark is None:
        (folder / f"{NAME}.sha256").unlink()
    else:
        (folder / f"{NAME}.sha256").write_bytes(mark)
    assert _count.why_pure(folder) is not None


def test_of_another_interpreter(folder: Path) -> None:
    """What was compiled for another Python is as if it were not there."""
    (folder / NAME).rename(folder / "core.cpython-299-x86_64-linux-gnu.so")
    assert _count.why_pure(folder) == "none is compiled"


def test_forced(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``AGENT_ANALYTICS_PURE=1`` leaves a compiled core alone."""
    monkeypatch.setenv(_count.PURE, "1")
    assert _count.why_pure(folder) == f"{_count.PURE} is set"


def test_one_that_does_not_load(tmp_path: Path) -> None:
    """A compiled core that the machine refuses is passed over, and is said to be."""
    there = _copied(tmp_path)
    (there / NAME).write_bytes(b"\x7fELF of another machine")
    (there / f"{NAME}.sha256").write_text(_count.mark_of(there), encoding="ascii")
    said = _said(tmp_path)[0]
    assert said.startswith("pure Python core (the compiled one cannot be loaded: ")


@pytest.mark.parametrize("sources", [True, False])
def test_in_an_archive(tmp_path: Path, *, sources: bool) -> None:
    """From a zip, of sources or of ``.pyc`` alone, the core in Python is imported, and knows it."""
    folder = tmp_path / "folder"
    _ = _copied(folder) if sources else _without_source(folder)
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, path.relative_to(folder))
    name, core, compiled = _said(archive)
    assert name == "pure Python core (none is compiled)"
    assert core.startswith(str(archive))
    assert compiled == "False"


def test_without_its_source(tmp_path: Path) -> None:
    """In a folder of ``.pyc`` alone the core in Python is imported, and knows what it is."""
    there = _without_source(tmp_path)
    name, core, compiled = _said(tmp_path)
    assert name == "pure Python core (none is compiled)"
    assert Path(core).parent == there
    assert compiled == "False"


def test_compiled_without_its_source(tmp_path: Path) -> None:
    """Beside ``.pyc`` alone a compiled core is used, unless the one in Python is asked for."""
    compiled = FOLDER / NAME
    if not compiled.exists():
        pytest.skip("no compiled core here")
    there = _without_source(tmp_path)
    shutil.copy(compiled, there)
    assert _said(tmp_path) == ["compiled core", str(there / NAME), "True"]
    assert _said(tmp_path, AGENT_ANALYTICS_PURE="1")[::2] == [
        "pure Python core (AGENT_ANALYTICS_PURE is set)", "False",
    ]  # fmt: skip
    (there / NAME).write_bytes(b"\x7fELF of another machine")
    name, _, in_c = _said(tmp_path)
    assert name.startswith("pure Python core (the compiled one cannot be loaded: ")
    assert in_c == "False"


def test_what_is_in_use_here() -> None:
    """The core that counts in this process is the one that is said to be in use."""
    core = sys.modules["agent_analytics.processor._count.core"]
    compiled = not str(core.__file__).endswith(".py")
    assert compiled == (_count.WHY_PURE is None) == (core_in_use() == "compiled core")
