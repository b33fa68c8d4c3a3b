"""What counts: compiled modules where all are of the very texts there, and else those in Python."""

import compileall
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from agent_analytics.processor import _compiled, core_in_use
from agent_analytics.processor._compiled.modules import (
    MODULES,
    compiled_file,
    mark_of,
    marks_file,
    text_of,
)

PROGRAM = """
import ast, importlib, sys
sys.path[:] = ast.literal_eval(sys.argv[1])
from agent_analytics.processor import core_in_use
from agent_analytics.processor._compiled.modules import MODULES
print(core_in_use())
for name in MODULES:
    module = importlib.import_module(name)
    print(module.__file__)
    found = sys.modules[name.rpartition(".")[0]]
    assert getattr(found, name.rpartition(".")[2]) is module
print(getattr(sys.modules[MODULES[0]], "COMPILED", True))
"""
FOLDER = Path(_compiled.__file__).parent
TOP = FOLDER.parents[2]
#: One of them, to spoil; its types are beside it.
CORE = MODULES[0]


def _laid(folder: Path, top: Path, content: bytes) -> None:
    """Lay down what passes for compiled modules, of the texts that are there."""
    for name in MODULES:
        file = folder / f"{name}{EXTENSION_SUFFIXES[0]}"
        file.write_bytes(content)
        marks_file(file).write_text(mark_of(name, top), encoding="ascii")


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of an installation with texts, and what passes for them compiled."""
    monkeypatch.delenv(_compiled.PURE, raising=False)
    for name in MODULES:
        text = text_of(name, TOP)
        there = tmp_path.joinpath(*name.split(".")).with_suffix(".py")
        there.parent.mkdir(parents=True, exist_ok=True)
        for file in (text, text.with_suffix(".pxd")):
            if file.exists():
                shutil.copy(file, there.parent)
    (tmp_path / "compiled").mkdir()
    _laid(tmp_path / "compiled", tmp_path, b"")
    return tmp_path


def _why(top: Path) -> str | None:
    return _compiled.why_pure(top / "compiled", top)


def _file(top: Path, name: str = CORE) -> Path:
    found = compiled_file(name, top / "compiled")
    assert found is not None
    return found


def _copied(where: Path) -> Path:
    """Copy the package without anything compiled, and return the folder for that."""
    for part in ("processor", *{name.split(".")[1] for name in MODULES}):
        if not (where / "agent_analytics" / part).exists():
            package = text_of(f"agent_analytics.{part}.__init__", TOP).parent
            shutil.copytree(
                package,
                where / "agent_analytics" / part,
                ignore=shutil.ignore_patterns("*.so*", "__pycache__"),
            )
    return where / "agent_analytics" / "processor" / "_compiled"


def _without_source(where: Path) -> Path:
    """Copy the package as ``.pyc`` alone, and return the folder for what is compiled."""
    there = _copied(where)
    assert compileall.compile_dir(where, quiet=1, legacy=True)
    for source in where.rglob("*.py"):
        source.unlink()
    return there


def _said(where: Path, **variables: str) -> list[str]:
    """Import the package there; return what is in use, the files, and whether it is compiled."""
    path = [str(where), *(path for path in sys.path if path)]
    env = {name: value for name, value in os.environ.items() if name != _compiled.PURE}
    imported = subprocess.run(  # what is tested is an import
        [sys.executable, "-S", "-c", PROGRAM, repr(path)],
        env=env | variables, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert imported.returncode == 0, imported.stderr
    return imported.stdout.splitlines()


def _suffixes(files: list[str]) -> set[str]:
    return {Path(file).suffix for file in files}


def test_of_this_very_text(top: Path) -> None:
    """Compiled modules of the texts that are there are used."""
    assert _why(top) is None


def test_none(top: Path) -> None:
    """Without compiled modules there are those in Python."""
    shutil.rmtree(top / "compiled")
    assert _why(top) == "none is compiled"


@pytest.mark.parametrize("name", MODULES)
def test_of_another_text(top: Path, name: str) -> None:
    """A compiled module of another text than is there, by a byte, and none is used."""
    text = text_of(name, top)
    with text.open("a", encoding="utf-8") as file:
        file.write("#")
    assert _why(top) == f"the compiled {name.removeprefix('agent_analytics.')} is of another text"


def test_of_other_types(top: Path) -> None:
    """So it is with the types beside a text."""
    with text_of(CORE, top).with_suffix(".pxd").open("a", encoding="utf-8") as file:
        file.write("#")
    assert str(_why(top)).endswith("is of another text")


@pytest.mark.parametrize("mark", [None, b"", b"\xff\xfe", b"0" * 64])
def test_of_nobody_knows_what(top: Path, mark: bytes | None) -> None:
    """A compiled module that nothing, or nothing sensible, is said of is not used."""
    if mark is None:
        marks_file(_file(top)).unlink()
    else:
        marks_file(_file(top)).write_bytes(mark)
    assert _why(top) is not None


def test_of_another_interpreter(top: Path) -> None:
    """What was compiled for another Python is as if it were not there."""
    for name in MODULES:
        _file(top, name).rename(top / "compiled" / f"{name}.cpython-299-x86_64-linux-gnu.so")
    assert _why(top) == "none is compiled"


def test_forced(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``AGENT_ANALYTICS_PURE=1`` leaves compiled modules alone."""
    monkeypatch.setenv(_compiled.PURE, "1")
    assert _why(top) == f"{_compiled.PURE} is set"


def test_one_that_does_not_load(tmp_path: Path) -> None:
    """One compiled module that the machine refuses, and all are passed over, and said to be."""
    there = _copied(tmp_path)
    _laid(there, tmp_path, b"\x7fELF of another machine")
    said, *files, compiled = _said(tmp_path)
    assert said.startswith("pure Python core (the compiled ones cannot be loaded: ")
    assert (_suffixes(files), compiled) == ({".py"}, "False")


def test_one_beside_its_text(tmp_path: Path) -> None:
    """Something compiled that lies beside a text, as earlier revisions had it, is not looked at."""
    _copied(tmp_path)
    text = text_of(CORE, tmp_path)
    text.with_name(f"{text.stem}{EXTENSION_SUFFIXES[0]}").write_bytes(b"of an earlier revision")
    said, *files, compiled = _said(tmp_path)
    assert said == "pure Python core (none is compiled)"
    assert (_suffixes(files), compiled) == ({".py"}, "False")


@pytest.mark.parametrize("sources", [True, False])
def test_in_an_archive(tmp_path: Path, *, sources: bool) -> None:
    """From a zip, of sources or of ``.pyc`` alone, what is in Python is imported, and knows it."""
    folder = tmp_path / "folder"
    _ = _copied(folder) if sources else _without_source(folder)
    archive = tmp_path / "archive.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, path.relative_to(folder))
    name, *files, compiled = _said(archive)
    assert name == "pure Python core (none is compiled)"
    assert all(file.startswith(str(archive)) for file in files)
    assert compiled == "False"


def test_without_its_source(tmp_path: Path) -> None:
    """In a folder of ``.pyc`` alone what is in Python is imported, and knows what it is."""
    _without_source(tmp_path)
    name, *files, compiled = _said(tmp_path)
    assert name == "pure Python core (none is compiled)"
    assert (_suffixes(files), compiled) == ({".pyc"}, "False")


def test_compiled_without_its_source(tmp_path: Path) -> None:
    """Beside ``.pyc`` alone compiled modules are used, unless those in Python are asked for."""
    found = [file for name in MODULES if (file := compiled_file(name, FOLDER))]
    if len(found) < len(MODULES):
        pytest.skip("no compiled core here")
    there = _without_source(tmp_path)
    for file in found:
        shutil.copy(file, there)
    assert _said(tmp_path) == [
        "compiled core", *(str(there / file.name) for file in found), "True",
    ]  # fmt: skip
    said, *files, compiled = _said(tmp_path, AGENT_ANALYTICS_PURE="1")
    assert said == "pure Python core (AGENT_ANALYTICS_PURE is set)"
    assert (_suffixes(files), compiled) == ({".pyc"}, "False")
    (there / found[-1].name).write_bytes(b"\x7fELF of another machine")
    said, *files, compiled = _said(tmp_path)
    assert said.startswith("pure Python core (the compiled ones cannot be loaded: ")
    assert (_suffixes(files), compiled) == ({".pyc"}, "False")


def test_what_is_in_use_here() -> None:
    """Every module that counts in this process is what is said to be in use."""
    files = {str(sys.modules[name].__file__) for name in MODULES if name in sys.modules}
    compiled = _compiled.WHY_PURE is None
    assert compiled == (core_in_use() == "compiled core")
    assert {not file.endswith(".py") for file in files} == {compiled}


def test_each_is_there() -> None:
    """Every module of the list has a text, and no two are called alike in what is compiled."""
    assert [name for name in MODULES if not text_of(name, TOP).is_file()] == []
    assert len(set(MODULES)) == len(MODULES)
