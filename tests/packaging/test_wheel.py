"""The wheel, built and installed as a user would, away from the checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from tests.patience import patience

from agent_analytics.portal import page_is_built

pytestmark = pytest.mark.packaging

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("instrumentation", "processor", "exporters", "insights", "portal", "cli", "demo")


def _run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    run = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=patience(120),
    )
    assert run.returncode == 0, f"{command} exited {run.returncode}:\n{run.stdout}{run.stderr}"
    return run.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built with the pinned hatchling; how it is compiled is tested apart."""
    folder = tmp_path_factory.mktemp("wheel")
    command = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    # The page is built where `make setup` could; its build is not what is tested here.
    page = "1" if page_is_built() else "0"
    settings = {"AGENT_ANALYTICS_PURE": "1", "AGENT_ANALYTICS_PORTAL": page}
    _run(*command, cwd=ROOT, env={**os.environ, **settings})
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment that holds the wheel; its dependencies are borrowed from this one.

    A ``.pth`` line adds the folder of this environment's packages and does not read the ``.pth``
    files in it, so the editable install of the checkout stays out of sight.
    """
    home = tmp_path_factory.mktemp("clean")
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    _run(
        *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps"),
        *("--python", python, wheel),
        cwd=home,
    )
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return home


def test_wheel_holds_every_file_of_every_part(wheel: Path) -> None:
    """Code, py.typed and the generated rules and dashboards are all in the wheel."""
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        file.relative_to(portion.parent).as_posix()
        for portion in ROOT.glob("*/agent_analytics")
        for file in portion.rglob("*")
        if file.is_file()
        and "__pycache__" not in file.parts
        # What is compiled in a checkout stays there.
        and file.suffix not in {".so", ".pyd", ".sha256"}
    }
    assert wanted <= held
    assert ("agent_analytics/portal/_page/index.html" in held) == page_is_built()
    assert {f"agent_analytics/{part}/py.typed" for part in PARTS} <= held


@pytest.mark.parametrize("suffix", [".json", ".yml"])
def test_wheel_carries_generated_files(wheel: Path, suffix: str) -> None:
    """Dashboards are JSON, rules and configurations YAML; both are package data of insights."""
    generated = [
        name
        for name in zipfile.ZipFile(wheel).namelist()
        if name.startswith("agent_analytics/insights/")
        and name.replace(".yaml", ".yml").endswith(suffix)
    ]
    assert generated != []


@pytest.mark.parametrize("part", PARTS)
def test_installed_part_is_imported_from_the_wheel(clean: Path, part: str) -> None:
    """Each part of the installed wheel can be imported, without the checkout."""
    code = f"import agent_analytics.{part} as part; print(part.__file__)"
    printed = _run(clean / "bin" / "python", "-P", "-W", "error", "-c", code, cwd=Path("/"))
    assert Path(printed.strip()).is_relative_to(clean)


def _command(clean: Path, folder: Path, *arguments: str | Path) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return _run(clean / "bin" / "agent-analytics", *arguments, cwd=folder, env=env)


def test_command_runs_in_any_folder(clean: Path, tmp_path: Path) -> None:
    """``agent-analytics --help`` tells of the demo, wherever it is called."""
    assert "demo" in _command(clean, tmp_path, "--help")


def test_files_for_the_servers_come_from_the_wheel(clean: Path, tmp_path: Path) -> None:
    """Rules, configurations and dashboards are written without the checkout, and are accepted."""
    tools = [shutil.which(name) for name in ("promtool", "amtool")]
    if None in tools:
        pytest.skip("promtool or amtool is not installed (Debian: prometheus)")
    promtool, amtool = map(str, tools)
    _command(clean, tmp_path, "rules", "--output", "rules")
    _command(
        clean,
        tmp_path,
        *("config", "--output", ".", "--target", "finder=agents-1:9464"),
        *("--oncall", "slack:/run/secrets/slack", "--publishers", "webhook:http://portal/"),
    )
    _command(clean, tmp_path, "dashboards", "--output", "grafana")
    _run(promtool, "check", "rules", *sorted((tmp_path / "rules").iterdir()), cwd=tmp_path)
    checked = _run(promtool, "check", "config", "prometheus.yml", cwd=tmp_path)
    assert "3 rule files found" in checked
    _run(amtool, "check-config", "alertmanager.yml", cwd=tmp_path)
    # Those that are committed are what tests compare with Grafana's own models.
    committed = ROOT / "grafana/agent_analytics/insights/generated/dashboards"
    there = {path.name: path.read_bytes() for path in committed.iterdir()}
    written = {path.name: path.read_bytes() for path in (tmp_path / "grafana/dashboards").iterdir()}
    assert written == there
