"""The folders of the checkout and the namespace package that they make up."""

import ast
import importlib
import pkgutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Top-level folder of each importable part.
PARTS = {
    "instrumentation": "instrumentation",
    "processor": "processor",
    "exporters": "exporters",
    "insights": "grafana",
    "portal": "portal",
    "cli": "cli",
    "demo": "demo",
}


def _sources(part: str) -> list[Path]:
    return sorted((ROOT / PARTS[part] / "agent_analytics" / part).rglob("*.py"))


def _modules(part: str) -> Iterator[ModuleType]:
    package = importlib.import_module(f"agent_analytics.{part}")
    yield package
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def _imported_names(source: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def test_namespace_has_no_module_of_its_own() -> None:
    """A stray agent_analytics/__init__.py hides every other part, and mypy does not notice."""
    assert [path for path in ROOT.glob("*/agent_analytics/*") if path.suffix == ".py"] == []


def test_every_root_is_named_wherever_roots_are_named() -> None:
    """A part that one list of pyproject.toml lacks is not installed, checked or linted."""
    roots = {path.parent.name for path in ROOT.glob("*/agent_analytics")}
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    tool = settings["tool"]
    packages = {f"{root}/agent_analytics" for root in roots}
    assert roots == set(PARTS.values())
    assert set(tool["hatch"]["build"]["dev-mode-dirs"]) == roots
    assert set(tool["hatch"]["build"]["targets"]["wheel"]["packages"]) == packages
    # Below tests/ are programs of other environments, no portions of the package.
    mypy_roots = {x.removeprefix("$MYPY_CONFIG_FILE_DIR/") for x in tool["mypy"]["mypy_path"]}
    pyright_roots = set(tool["pyright"]["extraPaths"])
    for checked in (mypy_roots, pyright_roots):
        assert {root for root in checked if not root.startswith("tests/")} == roots
    assert set(tool["ruff"]["namespace-packages"]) == packages
    assert set(tool["importlinter"]["root_packages"]) == {
        f"agent_analytics.{part}" for part in PARTS
    }
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert [root for root in sorted(roots) if f"COPY {root} {root}" not in image] == []
    assert [root for root in sorted(roots) if f"!{root}" not in sent] == []


@pytest.mark.parametrize("part", PARTS)
def test_installation_under_test_exposes_the_part(part: str) -> None:
    """Each part can be imported from outside the checkout, and comes from its folder."""
    code = f"import agent_analytics.{part} as part; print(part.__file__)"
    run = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd="/", capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert Path(run.stdout.strip()).parent == ROOT / PARTS[part] / "agent_analytics" / part


@pytest.mark.parametrize("part", PARTS)
def test_package_exports_exactly_its_public_names(part: str) -> None:
    """``__all__`` of a package names every public object in it, once, and nothing else."""
    for module in _modules(part):
        exported = getattr(module, "__all__", None)
        if exported is None:
            assert not hasattr(module, "__path__"), f"{module.__name__} has no __all__"
            continue
        assert len(exported) == len(set(exported)), module.__name__
        assert [name for name in exported if not hasattr(module, name)] == [], module.__name__
        if hasattr(module, "__path__"):
            public = {
                name
                for name, value in vars(module).items()
                if not name.startswith("_") and not isinstance(value, ModuleType)
            }
            assert public <= set(exported), module.__name__


@pytest.mark.parametrize("part", PARTS)
def test_rooms_are_small(part: str) -> None:
    """No folder has more modules than a reader takes in at a glance."""
    folders = {source.parent for source in _sources(part)}
    many = {
        folder.name: number
        for folder in folders
        if (number := len([each for each in folder.glob("*.py") if each.stem != "__init__"])) > 12
    }
    assert many == {}


def test_instrumentation_imports_the_opentelemetry_api_only() -> None:
    """An instrumented agent needs no SDK: without one, spans are no-ops."""
    foreign = {
        (source.name, name)
        for source in _sources("instrumentation")
        for name in _imported_names(source)
        if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter", "prometheus_client"))
    }
    assert foreign == set()


def test_importing_instrumentation_loads_no_sdk() -> None:
    """What is not needed is not loaded through anything else, either."""
    code = (
        "import sys, agent_analytics.instrumentation;"
        "print([n for n in ('opentelemetry.sdk', 'prometheus_client', 'grpc') if n in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd="/", capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[]"
