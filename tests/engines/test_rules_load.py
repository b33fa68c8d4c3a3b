"""Every generated rule file and configuration is accepted by the current engines."""

import shutil
from pathlib import Path

import pytest
from tests.engines.engines import ALERTMANAGER, PROMETHEUS, VICTORIA, runs_current

from agent_analytics.insights import GENERATED

pytestmark = pytest.mark.engines

FILES = sorted((GENERATED / "rules").glob("*.yml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_prometheus_3_loads_the_rules(path: Path) -> None:
    """Promtool 3 finds nothing wrong with a rule file, with every lint on."""
    done = runs_current(PROMETHEUS, "promtool")(
        "check", "rules", "--lint=all", "--lint-fatal", path
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_vmalert_loads_the_rules(path: Path) -> None:
    """Vmalert reads a rule file, its expressions and the templates in its alerts."""
    done = runs_current(VICTORIA, "vmalert")("-dryRun", f"-rule={path}")
    assert done.returncode == 0, done.stderr


def test_vmalert_refuses_what_is_no_rule(tmp_path: Path) -> None:
    """The dry run above reads expressions: one that is none fails."""
    wrong = tmp_path / "wrong.yml"
    text = FILES[0].read_text("utf-8")
    wrong.write_text(text.replace("expr: ", "expr: sum( ", 1), encoding="utf-8")
    assert runs_current(VICTORIA, "vmalert")("-dryRun", f"-rule={wrong}").returncode != 0


def test_prometheus_3_loads_the_configuration(tmp_path: Path) -> None:
    """Promtool 3 accepts the generated configuration with its rules beside it."""
    for path in (GENERATED / "prometheus.yml", *FILES):
        there = tmp_path / path.relative_to(GENERATED)
        there.parent.mkdir(exist_ok=True)
        shutil.copy(path, there)
    promtool = runs_current(PROMETHEUS, "promtool")
    done = promtool("check", "config", "--lint=none", tmp_path / "prometheus.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_alertmanager_loads_the_configuration() -> None:
    """The current amtool accepts the generated configuration."""
    amtool = runs_current(ALERTMANAGER, "amtool")
    done = amtool("check-config", GENERATED / "alertmanager.yml")
    assert done.returncode == 0, done.stdout + done.stderr
