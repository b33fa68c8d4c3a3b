"""docs/insights.md: what an operator merges and types is accepted, and does what the page says."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.alertmanager import alertmanager
from tests.docs import pages
from tests.patience import wait_for
from tests.tools import installed

from agent_analytics.insights import prometheus_config, write_rules
from agent_analytics.insights.rules import insights_table

pytestmark = pytest.mark.servers
PAGE = "insights.md"


def snippet(key: str) -> str:
    """Return the page's block of YAML that has a key at its top."""
    (text,) = [
        block.text for block in pages.blocks(PAGE, "yaml") if f"\n{key}:" in f"\n{block.text}"
    ]
    return text


def test_what_is_merged_into_prometheus(tmp_path: Path) -> None:
    """Promtool accepts it, and its jobs are those that `agent-analytics config` writes."""
    write_rules(tmp_path / "rules")
    text = snippet("scrape_configs").replace("/etc/prometheus/agent-analytics", f"{tmp_path}/rules")
    path = tmp_path / "prometheus.yml"
    path.write_text(text, encoding="utf-8")
    done = installed("promtool")("check", "config", path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 rule files found" in done.stdout
    shown: dict[str, Any] = yaml.safe_load(text)
    made: dict[str, Any] = yaml.safe_load(
        prometheus_config(
            targets=["agents-1:9464"], alertmanager="localhost:9093", rules_dir=f"{tmp_path}/rules"
        )
    )
    for job in shown["scrape_configs"]:
        assert job["static_configs"][0].pop("labels") == {"service": "finder"}
    ours = [job for job in made["scrape_configs"] if job["job_name"] != "prometheus"]
    assert shown["scrape_configs"] == ours
    assert shown["alerting"] == made["alerting"]


def test_what_is_merged_into_alertmanager(tmp_path: Path) -> None:
    """Amtool accepts it, and alerts go where the page says."""
    amtool = installed("amtool")
    path = tmp_path / "alertmanager.yml"
    path.write_text(snippet("route"), encoding="utf-8")
    done = amtool("check-config", path)
    assert done.returncode == 0, done.stdout + done.stderr
    for labels, receiver in {
        ("audience=oncall", "alertname=AgentErrorRateHigh"): "agents-oncall",
        ("audience=publisher", "publisher_id=acme"): "agents-publishers",
        ("alertname=DiskFull",): "everybody-else",
    }.items():
        done = amtool("config", "routes", "test", f"--config.file={path}", *labels)
        assert done.stdout.strip() == receiver


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Run an Alertmanager with the page's configuration."""
    (tmp_path / "slack").write_text("http://127.0.0.1:1/", encoding="utf-8")
    text = snippet("route").replace("/etc/alertmanager/slack", str(tmp_path / "slack"))
    with alertmanager(tmp_path, text) as url:
        yield url


def test_an_operator_silences_one_insight(server: str) -> None:
    """The page's command keeps silent the insight that it names, and no other."""
    amtool = installed("amtool")
    (command,) = [words for words in pages.commands(PAGE) if words[:2] == ["amtool", "silence"]]
    here = [word.replace("http://localhost:9093", server) for word in command[1:]]
    done = amtool(*here)
    assert done.returncode == 0, done.stderr
    where = f"--alertmanager.url={server}"
    for insight in ("token-growth", "tool-loops"):
        labels = ("audience=publisher", "publisher_id=acme", f"insight={insight}")
        assert amtool("alert", "add", insight, *labels, where).returncode == 0

    def silenced() -> dict[str, bool]:
        shown = amtool("alert", "query", "--silenced", "--active", "--output=json", where).stdout
        return {
            alert["labels"]["insight"]: bool(alert["status"]["silencedBy"])
            for alert in json.loads(shown)
        }

    expected = {"token-growth": True, "tool-loops": False}
    wait_for(lambda: silenced() == expected, "only one alert is silenced", every=0.1)


def test_the_table_has_every_insight() -> None:
    """The page prints the specs, as scripts/insights_doc.py writes them."""
    assert f"\n\n{insights_table()}\n<!-- end" in (pages.DOCS / PAGE).read_text(encoding="utf-8")
