"""Fixtures for the insight engine: the real promtool and amtool, and rule tests that they run."""

import importlib
import json
import re
import runpy
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from agent_analytics.insights import write_rules
from agent_analytics.insights.rules import DEFINITIONS, TELEMETRY_ABSENT

# The SDK deprecates its models of the dashboard format that every Grafana reads, in favour of one
# that only new ones do, and says so while it is imported.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    for _module in ("builders.dashboard", "builders.stat", "cog.plugins"):
        importlib.import_module(f"grafana_foundation_sdk.{_module}")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


#: What fires at a time: labels and the description, by time and name of the alert.
Expected = Mapping[tuple[str, str], Sequence[tuple[Mapping[str, str], str]]]


def _tool(name: str) -> Run:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed (Debian: prometheus, prometheus-alertmanager)")

    def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [path, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
        )

    return run


@pytest.fixture(scope="session")
def promtool() -> Run:
    """Run promtool, or skip where it is not installed."""
    return _tool("promtool")


@pytest.fixture(scope="session")
def amtool() -> Run:
    """Run amtool, or skip where it is not installed."""
    return _tool("amtool")


def _expected(labels: Mapping[str, str], description: str) -> dict[str, object]:
    """Return what promtool compares: texts that do not change come from the definitions."""
    cause = labels.get("cause")
    if cause is None:
        definition = next(item for item in DEFINITIONS if item.slug == labels["insight"])
        rule = definition.rules()[0]
        # What promtool shows for a listing that has no bound of its own.
        notes = {**rule.annotations, "title": definition.title, "description": description}
    else:
        rule = next(item for item in TELEMETRY_ABSENT if item.labels["cause"] == cause)
        notes = {**rule.annotations, "description": description}
    return {"exp_labels": dict(labels), "exp_annotations": notes}


@pytest.fixture
def check_rules(promtool: Run, tmp_path: Path) -> Callable[..., None]:
    """Run one rule test through promtool, against freshly written rules.

    Takes the name of the rule file, the time between samples and between evaluations, cumulative
    values by selector in promtool's notation, and what is expected to fire.
    """

    def check(*, rules: str, interval: str, series: Mapping[str, str], expect: Expected) -> None:
        write_rules(tmp_path / "rules")
        document = {
            "rule_files": [str(tmp_path / "rules" / rules)],
            "evaluation_interval": interval,
            "tests": [
                {
                    "interval": interval,
                    "input_series": [
                        {"series": selector, "values": values}
                        for selector, values in series.items()
                    ],
                    "alert_rule_test": [
                        {
                            "eval_time": time,
                            "alertname": alert,
                            "exp_alerts": [_expected(*firing) for firing in firings],
                        }
                        for (time, alert), firings in expect.items()
                    ],
                }
            ],
        }
        # JSON is YAML.
        path = tmp_path / "case.yml"
        path.write_text(json.dumps(document, indent=1), encoding="utf-8")
        done = promtool("test", "rules", path)
        assert done.returncode == 0, done.stdout + done.stderr

    return check


#: The order in which a Prometheus has evaluated the groups that read one another.
GROUPS = [
    f"agent-analytics-{name}" for name in ("levels", "unions", "hours", "tenants", "publisher")
]
_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


def slice_rules(directory: Path, insight: str) -> Path:
    """Write the rules that an insight's alerts need, as they are, into one file.

    promtool evaluates every rule at every step: all of them over two months take minutes.
    """
    groups: list[dict[str, Any]] = []
    for path in write_rules(directory):
        if path.name != "oncall.yml":
            groups += yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    alerts = [rule for rule in rules if rule.get("labels", {}).get("insight") == insight]
    text = [str(rule) for rule in alerts]
    needed = {rule["record"] for rule in alerts if "record" in rule}
    while text:
        words = set(_WORD.findall(text.pop()))
        for rule in rules:
            name = rule.get("record", "")
            if name in words and name not in needed:
                needed.add(name)
                text.append(rule["expr"])
    for group in groups:
        group["rules"] = [
            rule
            for rule in group["rules"]
            if rule in alerts
            or (rule.get("record") in needed and "insight" not in rule.get("labels", {}))
        ]
    path = directory / "slice.json"
    used = [group for group in groups if group["rules"]]
    # JSON is YAML.
    path.write_text(json.dumps({"groups": used}), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Case:
    """Series of two months, a sample every twelve hours, and what they raise in the end.

    Attributes:
        name: What it shows, told where it fails.
        series: Values by selector, in promtool's notation.
        raised: The number, rounded to three places, by the labels ``traffic`` and ``tool``.
    """

    name: str
    series: Mapping[str, str]
    raised: Mapping[tuple[str, ...], float] = field(default_factory=dict[tuple[str, ...], float])


@pytest.fixture
def check_insight(promtool: Run, tmp_path: Path) -> Callable[..., None]:
    """Run cases of one insight through promtool, against the rules that it needs."""

    def check(
        insight: str, cases: Sequence[Case], *, interval: str = "12h", at: str = "1440h"
    ) -> None:
        path = slice_rules(tmp_path / "rules", insight)
        measure = f'round(marketplace_insight_measure{{insight="{insight}"}}, 0.001)'
        listing = 'publisher_id="acme", agent_id="finder"'
        tests = [
            {
                "name": case.name,
                "interval": interval,
                "input_series": [
                    {"series": selector, "values": values}
                    for selector, values in case.series.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": measure,
                        "eval_time": at,
                        "exp_samples": [
                            {
                                "labels": _labels(listing, insight, *key),
                                "value": value,
                            }
                            for key, value in case.raised.items()
                        ],
                    },
                    {
                        "expr": f'count(ALERTS{{insight="{insight}", alertstate="firing"}})',
                        "eval_time": at,
                        "exp_samples": (
                            [{"labels": "{}", "value": len(case.raised)}] if case.raised else []
                        ),
                    },
                ],
            }
            for case in cases
        ]
        document = {
            "rule_files": [str(path)],
            "evaluation_interval": interval,
            "group_eval_order": [
                name for name in GROUPS if f'"{name}"' in path.read_text(encoding="utf-8")
            ],
            "tests": tests,
        }
        file = tmp_path / "cases.json"
        file.write_text(json.dumps(document, indent=1), encoding="utf-8")
        done = promtool("test", "rules", file)
        assert done.returncode == 0, done.stdout + done.stderr

    return check


def _labels(listing: str, insight: str, traffic: str, tool: str = "") -> str:
    of_tool = f', tool="{tool}"' if tool else ""
    return f'{{{listing}, insight="{insight}", traffic="{traffic}"{of_tool}}}'


class SeededPrometheus:
    """A real Prometheus over a fixed day of data, asked at the day's end.

    Attributes:
        end: Unix time of the last sample.
    """

    def __init__(self, url: str, end: int) -> None:
        """Remember where it answers."""
        self._url = url
        self.end = end

    def query(self, expr: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and values of an expression at the end of the data."""
        answer = self._get("query", query=expr, time=self.end)
        return [(item["metric"], float(item["value"][1])) for item in answer]

    def query_range(self, expr: str) -> list[list[float]]:
        """Return the values of each series of an expression over the last six hours."""
        answer = self._get(
            "query_range", query=expr, start=self.end - 6 * 3600, end=self.end, step=600
        )
        return [[float(value) for _, value in item["values"]] for item in answer]

    def _get(self, path: str, **parameters: object) -> list[Any]:
        encoded = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"{self._url}/api/v1/{path}?{encoded}", timeout=20) as got:
                result: list[Any] = json.load(got)["data"]["result"]
                return result
        except urllib.error.HTTPError as error:
            pytest.fail(f"{parameters['query']}: {error.read().decode()}")


@pytest.fixture(scope="session")
def seeded_prometheus(
    promtool: Run, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SeededPrometheus]:
    """Run Prometheus over the data of ``seed.py``, on loopback, for the session."""
    command = shutil.which("prometheus")
    if command is None:
        pytest.skip("prometheus is not installed (Debian: prometheus)")
    folder = tmp_path_factory.mktemp("prometheus")
    text = folder / "seed.txt"
    seed = runpy.run_path(str(Path(__file__).with_name("seed.py")))
    text.write_text(seed["openmetrics"](), encoding="utf-8")
    made = promtool("tsdb", "create-blocks-from", "openmetrics", text, folder / "data")
    assert made.returncode == 0, made.stderr
    (folder / "prometheus.yml").write_text("{}", encoding="utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                command,
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--storage.tsdb.retention.time=50y",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        _wait_ready(f"http://127.0.0.1:{port}/-/ready", folder / "log")
        yield SeededPrometheus(f"http://127.0.0.1:{port}", seed["END"])
    finally:
        process.terminate()
        process.wait(20)


def _wait_ready(url: str, log: Path) -> None:
    for _ in range(200):
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"Prometheus did not become ready: {log.read_text(encoding='utf-8')[-2000:]}")
