"""One cause pages once: a real Alertmanager, asked through amtool."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.patience import patience, wait_for
from tests.ports import free_port

from agent_analytics.insights import alertmanager_config

Run = Callable[..., "subprocess.CompletedProcess[str]"]
Labels = dict[str, str]

FINDER = {"audience": "oncall", "publisher_id": "acme", "agent_id": "finder"}
RELIABILITY = {**FINDER, "category": "reliability"}
BURST = {
    **RELIABILITY, "alertname": "AgentErrorRateHigh", "severity": "critical",
    "insight": "error-rate", "traffic": "dense",
}  # fmt: skip
SPARSE = {**BURST, "traffic": "sparse"}
BUDGET = {
    **RELIABILITY, "alertname": "AgentErrorBudgetBurning", "insight": "error-budget",
}  # fmt: skip
FAST = {**BUDGET, "severity": "critical", "traffic": "fast"}
SLOW = {**BUDGET, "severity": "warning", "traffic": "slow"}
TOOL = {
    **RELIABILITY, "alertname": "AgentToolFailing", "severity": "warning",
    "insight": "tool-failures", "traffic": "dense", "tool": "mail",
}  # fmt: skip
SLOWNESS = {
    **FINDER, "alertname": "AgentResponsesSlow", "severity": "warning",
    "category": "performance", "insight": "response-time", "traffic": "dense",
}  # fmt: skip
TARGET = {
    "audience": "oncall", "alertname": "TelemetryAbsent", "category": "integration",
    "insight": "telemetry-absent", "job": "agent-analytics", "instance": "demo:9464",
}  # fmt: skip
DOWN = {**TARGET, "service": "shop", "severity": "warning", "cause": "target_down"}
STALE = {**TARGET, "severity": "warning", "cause": "stale"}
SERVICE_DOWN = {
    key: text
    for key, text in {**DOWN, "severity": "critical", "cause": "service_down"}.items()
    if key != "instance"
}
NO_TARGET = {
    key: text for key, text in {**SERVICE_DOWN, "cause": "no_target"}.items() if key != "service"
}


@pytest.fixture
def alertmanager(amtool: Run, tmp_path: Path) -> Iterator[str]:
    """Run Alertmanager with this project's configuration, on loopback."""
    names = ("prometheus-alertmanager", "alertmanager")
    command = next((path for name in names if (path := shutil.which(name))), None)
    if command is None:
        pytest.skip("Alertmanager is not installed (Debian: prometheus-alertmanager)")
    config = tmp_path / "alertmanager.yml"
    config.write_text(alertmanager_config(oncall_url=None, publisher_url=None), encoding="utf-8")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                command,
                f"--config.file={config}",
                f"--storage.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        ask = ("alert", "query", f"--alertmanager.url={url}")
        wait_for(lambda: amtool(*ask).returncode == 0, "Alertmanager answers", every=0.1)
        yield url
    finally:
        process.terminate()
        process.wait(patience())


@pytest.mark.servers
@pytest.mark.parametrize(
    ("source", "target", "inhibited"),
    [
        pytest.param(BURST, SPARSE, True, id="the fast question and the slow one"),
        pytest.param(BURST, FAST, True, id="a burst of errors and its budget"),
        pytest.param(BURST, SLOW, True, id="a burst of errors and its slow budget"),
        pytest.param(FAST, SLOW, True, id="the fast burn and the slow one"),
        pytest.param(BURST, TOOL, True, id="a failing listing and its tool"),
        pytest.param(BURST, SLOWNESS, False, id="errors and slowness"),
        pytest.param(BURST, {**TOOL, "agent_id": "writer"}, False, id="another listing"),
        pytest.param(BURST, {**TOOL, "publisher_id": "globex"}, False, id="another publisher"),
        pytest.param(
            BURST, {**FAST, "audience": "publisher"}, False, id="what a publisher is told"
        ),
        pytest.param(DOWN, STALE, True, id="down and stale"),
        pytest.param(DOWN, {**STALE, "instance": "b:9464"}, False, id="another target"),
        pytest.param(SERVICE_DOWN, DOWN, True, id="a service and its target"),
        pytest.param(SERVICE_DOWN, {**DOWN, "service": "desk"}, False, id="another service"),
        pytest.param(DOWN, BURST, False, id="a target among others and a listing"),
        pytest.param(NO_TARGET, BURST, True, id="no target at all and a listing"),
        pytest.param(NO_TARGET, {**BURST, "audience": "publisher"}, False, id="nor a publisher"),
    ],
)
def test_inhibition(
    amtool: Run, alertmanager: str, source: Labels, target: Labels, inhibited: object
) -> None:
    """The alert that says most silences what follows from it, and nothing else."""
    url = f"--alertmanager.url={alertmanager}"
    for labels in (source, target):
        pairs = [f"{key}={text}" for key, text in labels.items()]
        assert amtool("alert", "add", url, *pairs).returncode == 0

    silenced: list[Labels] = []

    def settled() -> bool:
        done = amtool("alert", "query", url, "--active", "--inhibited", "-o", "json")
        alerts = json.loads(done.stdout)
        silenced[:] = [alert["labels"] for alert in alerts if alert["status"]["inhibitedBy"]]
        return len(alerts) == 2 and bool(silenced) == inhibited

    wait_for(settled, "both alerts are there, and the one inhibits the other or not", every=0.1)
    assert silenced == ([target] if inhibited else [])
