"""The build hook: what stands against compiling the core, and what a wheel holds then."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from tests.patience import patience

from agent_analytics.processor._compiled import modules

ROOT = Path(__file__).resolve().parents[2]
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX").rpartition(".")[2]


#: Modules of a short checkout: of two of its folders.
MODULES = ("agent_analytics.processor._count.core", "agent_analytics.exporters.rows")


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return ``hatch_build.py``, with no variable of its own set."""
    for name in ("AGENT_ANALYTICS_PURE", "AGENT_ANALYTICS_COMPILED", "CC"):
        monkeypatch.delenv(name, raising=False)
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_list_is_the_one_that_is_imported_by(hook: ModuleType) -> None:
    """What the hook compiles and marks is what the import looks for and compares."""
    assert hook._of.MODULES == modules.MODULES  # noqa: SLF001 - the hook's own reading of the list
    assert (ROOT / "processor" / hook.PACKAGE / "modules.py").samefile(modules.__file__)


def test_without_a_compiler(hook: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no C compiler is, nothing is compiled."""
    monkeypatch.setenv("PATH", "")
    assert hook.stands_against() == "there is no C compiler"


def test_when_it_is_forced(hook: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """``AGENT_ANALYTICS_PURE=1`` compiles nothing, whatever is there."""
    monkeypatch.setenv("AGENT_ANALYTICS_PURE", "1")
    assert hook.stands_against() == "AGENT_ANALYTICS_PURE is set"


@pytest.mark.packaging
def test_a_wheel_without_a_compiler(tmp_path: Path) -> None:
    """It is built all the same, for any machine, asks for nothing more, and says so once."""
    env = {"PATH": "", "HOME": str(tmp_path)}
    program = "import hatchling.build as b; print(*b.get_requires_for_build_wheel())"
    asked = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, env=env, check=True, capture_output=True, text=True, timeout=patience(60),
    )  # fmt: skip
    assert asked.stdout.strip() == ""
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT, env=env, check=True, capture_output=True, text=True, timeout=patience(60),
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    assert (built.stdout + built.stderr).count("there is no C compiler") == 1
    held = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in held if name.endswith((".so", ".pyd", ".sha256"))]
    assert "agent_analytics/processor/_count/core.py" in held


@pytest.mark.packaging
def test_a_wheel_that_must_be_compiled(tmp_path: Path) -> None:
    """``AGENT_ANALYTICS_COMPILED=1`` fails where it cannot be."""
    env = {"PATH": "", "HOME": str(tmp_path), "AGENT_ANALYTICS_COMPILED": "1"}
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT, env=env, check=False, capture_output=True, text=True, timeout=patience(60),
    )  # fmt: skip
    assert built.returncode != 0
    assert "there is no C compiler" in built.stdout + built.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def checkout(hook: ModuleType, tmp_path: Path) -> Path:
    """Return a checkout of packages with nothing in them but two short modules to compile."""
    if against := hook.stands_against():
        pytest.skip(against)
    there = tmp_path / "checkout"
    shutil.copytree(ROOT / "scripts", there / "scripts")
    for name in (
        "pyproject.toml",
        "hatch_build.py",
        "README.md",
        "LICENSE",
        "requirements-dev.txt",
    ):
        shutil.copy(ROOT / name, there)
    for part in ("instrumentation", "processor", "exporters", "grafana", "cli", "demo"):
        package = there / part / "agent_analytics" / ("insights" if part == "grafana" else part)
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("def main() -> None: ...\n", encoding="utf-8")
    processor = there / "processor" / "agent_analytics" / "processor"
    (processor / "_compiled").mkdir()
    (processor / "_count").mkdir()
    own = (ROOT / "processor" / hook.PACKAGE / "modules.py").read_text(encoding="utf-8")
    listed = f"MODULES: Final = {MODULES!r}"
    (processor / "_compiled" / "modules.py").write_text(
        re.sub(r"MODULES: Final = \([^)]*\)", listed, own), encoding="utf-8"
    )
    (processor / "_count" / "core.py").write_text("ANSWER = 42\n", encoding="utf-8")
    (processor / "_count" / "core.pxd").touch()
    (there / "exporters/agent_analytics/exporters/rows.py").write_text(
        "ROWS = 1\n", encoding="utf-8"
    )
    # The packages of this environment, by a line that does not read the `.pth` files among them.
    venv.create(there / ".venv", with_pip=False)
    (packages,) = there.glob(".venv/lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    key = subprocess.run(
        ["/bin/sh", "-c", "{ cat requirements-dev.txt && pwd; } | cksum | tr ' ' -"],
        cwd=there, check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    (there / f".venv/.packages-{key}").touch()
    return there


def _compiled(checkout: Path) -> list[Path]:
    return sorted(checkout.glob(f"processor/agent_analytics/processor/_compiled/*.{SUFFIX}"))


def _set_up(checkout: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    hidden = ("AGENT_ANALYTICS_PURE", "AGENT_ANALYTICS_COMPILED", "CC")
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(
        [checkout / "scripts/setup-python"],
        cwd=checkout, env=env | variables,
        check=False, capture_output=True, text=True, timeout=patience(120),
    )  # fmt: skip


@pytest.mark.packaging
@pytest.mark.slow
def test_what_setup_notices(checkout: Path) -> None:
    """A compiler that comes, a module that goes or is compiled otherwise: each sets up anew, once.

    What is as it was is not compiled again, and what is of no module any more goes.
    """

    def done(**variables: str) -> None:
        first, again = _set_up(checkout, **variables), _set_up(checkout, **variables)
        assert first.returncode == again.returncode == 0, first.stderr + again.stderr
        assert ("ready" in first.stdout, "ready" in again.stdout) == (True, False)

    done(AGENT_ANALYTICS_PURE="1")
    assert _compiled(checkout) == []
    done()
    rows, core = _compiled(checkout)
    assert (rows.name.startswith(MODULES[1]), core.name.startswith(MODULES[0])) == (True, True)
    core.unlink()
    kept = rows.stat().st_mtime_ns
    done()
    assert _compiled(checkout) == [rows, core]
    assert rows.stat().st_mtime_ns == kept
    gone = (
        checkout / "processor/agent_analytics/processor/_compiled" / core.name.replace("core", "x")
    )
    shutil.copy(core, gone)
    (checkout / "exporters/agent_analytics/exporters/rows.py").write_text("ROWS = 2\n", "utf-8")
    done()
    assert _compiled(checkout) == [rows, core]
    assert rows.stat().st_mtime_ns != kept
    marks = Path(f"{core}.sha256")
    before = marks.read_text(encoding="ascii").splitlines()
    with (checkout / "hatch_build.py").open("a", encoding="utf-8") as file:
        file.write("FLAGS.append('-DOTHERWISE')\n")
    done()
    after = marks.read_text(encoding="ascii").splitlines()
    assert (after[0] == before[0], after[1] == before[1]) == (True, False)


@pytest.mark.packaging
@pytest.mark.slow
def test_a_setup_that_must_compile(checkout: Path) -> None:
    """Where compiling fails, set-up goes on without, and each says so; it can be made to fail."""
    assert "ready" in _set_up(checkout, CC="false").stdout
    again = _set_up(checkout, CC="false")
    assert ("ready" in again.stdout, "compiling has failed" in again.stdout) == (False, True)
    must = _set_up(checkout, CC="false", AGENT_ANALYTICS_COMPILED="1")
    assert must.returncode != 0
    assert "the core of agent-analytics is not compiled" in must.stdout + must.stderr


@pytest.mark.packaging
@pytest.mark.slow
def test_a_setup_that_lacked_something(checkout: Path) -> None:
    """What failed without Cython is tried again once Cython is there, or the text is another."""
    (borrowed,) = checkout.glob(".venv/lib/python*/site-packages/borrowed.pth")
    all_packages = borrowed.read_text(encoding="utf-8")
    few = checkout / "few"
    few.mkdir()
    for package in Path(all_packages).iterdir():
        if not package.name.lower().startswith(("cython", "pyximport")):
            (few / package.name).symlink_to(package)
    borrowed.write_text(str(few), encoding="utf-8")
    assert "ready" in _set_up(checkout).stdout
    assert "compiling has failed" in _set_up(checkout).stdout
    core = checkout / "processor/agent_analytics/processor/_count/core.py"
    core.write_text("ANSWER = 43\n", encoding="utf-8")
    assert "ready" in _set_up(checkout).stdout
    assert _compiled(checkout) == []
    borrowed.write_text(all_packages, encoding="utf-8")
    assert "ready" in _set_up(checkout).stdout
    assert len(_compiled(checkout)) == len(MODULES)
    assert _set_up(checkout).stdout == ""


@pytest.mark.packaging
@pytest.mark.slow
def test_a_wheel_has_a_core_of_its_own(checkout: Path, tmp_path: Path) -> None:
    """What is compiled in a checkout, of whatever C library, is in no wheel; nothing is left."""
    assert _set_up(checkout).returncode == 0
    laid = _compiled(checkout)
    for file in laid:
        file.write_bytes(b"of another C library")
    (tmp_path / "temporary").mkdir()
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=checkout,
        env={
            **os.environ,
            "AGENT_ANALYTICS_COMPILED": "1",
            "TMPDIR": str(tmp_path / "temporary"),
        },
        check=True, capture_output=True, timeout=patience(120),
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    for file in laid:
        packed = zipfile.ZipFile(wheel).read(f"agent_analytics/processor/_compiled/{file.name}")
        assert packed.startswith((b"\x7fELF", b"\xcf\xfa\xed\xfe"))
        assert file.read_bytes() == b"of another C library"
    assert list((tmp_path / "temporary").iterdir()) == []
