"""The build hook: what stands against compiling the core, and what a wheel holds then."""

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from tests.patience import patience

from agent_analytics.processor import _count

ROOT = Path(__file__).resolve().parents[2]


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


def test_the_mark_is_the_one_that_is_asked_for(hook: ModuleType) -> None:
    """What the hook writes beside a compiled core is what the import compares."""
    folder = Path(_count.__file__).parent
    assert hook.mark(folder) == _count.mark_of(folder)


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
