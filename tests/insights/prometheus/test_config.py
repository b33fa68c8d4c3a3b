"""Configuration that the real promtool and amtool accept, and where it sends what."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from tests.patience import patience

from agent_analytics.insights import (
    GENERATED,
    alertmanager_config,
    prometheus_config,
    write_rules,
)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def alertmanager(tmp_path: Path) -> Path:
    """Write an Alertmanager configuration in which one publisher has a webhook of its own."""
    path = tmp_path / "alertmanager.yml"
    text = alertmanager_config(
        oncall_url="http://127.0.0.1:1/oncall",
        publisher_url="http://127.0.0.1:1/publishers",
        publisher_urls={"globex": "http://127.0.0.1:1/globex"},
    )
    path.write_text(text, encoding="utf-8")
    return path


def test_rules_pass_every_lint(promtool: Run) -> None:
    """The committed rules pass all lints of Prometheus 2.42 and later."""
    rules = sorted((GENERATED / "rules").glob("*.yml"))
    assert len(rules) == 3
    done = promtool("check", "rules", "--lint=all", "--lint-fatal", *rules)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_config_is_accepted(promtool: Run, tmp_path: Path) -> None:
    """The configuration loads the rules beside it and scrapes both parts of each target."""
    assert len(write_rules(tmp_path / "rules")) == 3
    path = tmp_path / "prometheus.yml"
    text = prometheus_config(
        targets=["127.0.0.1:9464", "127.0.0.1:9465"],
        alertmanager="127.0.0.1:9093",
        rules_dir=str(tmp_path / "rules"),
        sketch_interval="17s",
    )
    path.write_text(text, encoding="utf-8")
    done = promtool("check", "config", path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 rule files found" in done.stdout
    metrics, sketches = yaml.safe_load(text)["scrape_configs"]
    assert metrics["job_name"] == "agent-analytics"
    assert metrics["scrape_interval"] == "5s"
    assert sketches["metrics_path"] == "/metrics/sketches"
    assert sketches["scrape_interval"] == "17s"
    assert sketches["static_configs"] == metrics["static_configs"]


def test_intervals_of_rules_can_be_chosen(promtool: Run, tmp_path: Path) -> None:
    """Rule files for a server of one's own carry the intervals that were asked for."""
    paths = write_rules(
        tmp_path / "rules",
        oncall_interval="3s",
        slow_interval="5s",
        insight_interval="7s",
        level_interval="11s",
        hour_interval="13s",
        cause_interval="17s",
    )
    found = {
        group["name"].removeprefix("agent-analytics-"): group["interval"]
        for path in paths
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    }
    assert found == {
        "oncall": "3s",
        "oncall-slow": "5s",
        "publisher": "7s",
        "tenants": "13s",
        "causes": "17s",
        "weeks": "17s",
        "levels": "11s",
        "releases": "11s",
        "unions": "11s",
        "hours": "13s",
        "closed": "13s",
    }
    assert promtool("check", "rules", *paths).returncode == 0


def test_alertmanager_config_is_accepted(amtool: Run, alertmanager: Path) -> None:
    """Alertmanager accepts the configuration, the committed one too."""
    for path in (alertmanager, GENERATED / "alertmanager.yml"):
        done = amtool("check-config", path)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["audience=oncall", "publisher_id=acme", "severity=critical"], "oncall"),
        (["audience=oncall", "publisher_id=globex", "severity=warning"], "oncall"),
        (["audience=publisher", "publisher_id=acme", "severity=critical"], "publishers"),
        (["audience=publisher", "publisher_id=globex"], "publisher: globex"),
        (["audience=publisher", "publisher_id=globex2"], "publishers"),
        (["alertname=SomebodyElses"], "oncall"),
    ],
)
def test_alerts_are_routed_by_label(
    amtool: Run, alertmanager: Path, labels: list[str], receiver: str
) -> None:
    """Pages go to on-call, insights to their publisher, and what is unknown to on-call."""
    done = amtool("config", "routes", "test", f"--config.file={alertmanager}", *labels)
    assert done.stdout.strip() == receiver, done.stderr


def test_publisher_ids_cannot_break_the_config(amtool: Run, tmp_path: Path) -> None:
    """A publisher whose id holds quotes and newlines has a route, and no more than that."""
    path = tmp_path / "alertmanager.yml"
    text = alertmanager_config(
        oncall_url="http://127.0.0.1:1/a",
        publisher_url="http://127.0.0.1:1/b",
        publisher_urls={'x"\n - y: {z}': "http://127.0.0.1:1/c"},
    )
    path.write_text(text, encoding="utf-8")
    done = amtool("check-config", path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(yaml.safe_load(text)["receivers"]) == 3


def test_a_page_waits_for_no_other() -> None:
    """Pages are grouped by alert, publisher and agent, and insights by publisher alone."""
    route = yaml.safe_load(alertmanager_config(oncall_url="http://a", publisher_url="http://b"))[
        "route"
    ]
    assert route["group_by"] == ["alertname", "publisher_id", "agent_id"]
    oncall, publishers = route["routes"]
    assert "group_by" not in oncall
    assert publishers["group_by"] == ["publisher_id"]


def test_publishers_are_never_inhibited() -> None:
    """What a publisher is told does not depend on who was paged."""
    text = alertmanager_config(oncall_url="http://a", publisher_url="http://b")
    for rule in yaml.safe_load(text)["inhibit_rules"]:
        assert 'audience="oncall"' in rule["target_matchers"]
        equal = set(rule.get("equal", []))
        everything = rule["source_matchers"] == ['audience="oncall"', 'cause="no_target"']
        of_target = bool(equal & {"instance", "service"})
        assert {"publisher_id", "agent_id"} <= equal or of_target or everything


COMPOSE = Path(__file__).parents[3] / "docker-compose.yml"


def test_compose_file_follows_the_specification() -> None:
    """The compose file is valid by the Compose specification's own schema."""
    done = subprocess.run(
        [
            sys.executable, "-m", "check_jsonschema",
            "--builtin-schema", "vendor.compose-spec", COMPOSE,
        ],
        capture_output=True, text=True, timeout=patience(), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_compose_mounts_exist_and_images_are_pinned() -> None:
    """Each mounted file is committed, each dependency defined, and each image has a version."""
    document = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    services = document["services"]
    assert set(services) == {"demo", "prometheus", "alertmanager", "grafana"}
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith(".") or (COMPOSE.parent / source).exists(), source
        assert set(service.get("depends_on", [])) <= set(services)
        if "build" not in service:
            assert service["image"].rpartition(":")[2].lstrip("v")[0].isdigit()
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), port
    assert json.dumps(services["prometheus"]).count("/etc/prometheus/rules") == 1
