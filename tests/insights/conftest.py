"""Fixtures for the insight engine: the real promtool and amtool, and rule tests that they run."""

import importlib
import json
import runpy
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.patience import patience, wait_for
from tests.ports import free_port
from tests.tools import Run, installed

from agent_analytics.insights import write_rules
from agent_analytics.insights._definitions import field
from agent_analytics.insights._rules.rule_files import rules_for

# The SDK deprecates its models of the dashboard format that every Grafana reads, in favour of one
# that only new ones do, and says so while it is imported.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    for _module in ("builders.dashboard", "builders.stat", "cog.plugins"):
        importlib.import_module(f"grafana_foundation_sdk.{_module}")

#: What fires at a time: labels and the description, by time and name of the alert.
Expected = Mapping[tuple[str, str], Sequence[tuple[Mapping[str, str], str]]]


@pytest.fixture(scope="session")
def promtool() -> Run:
    """Run promtool, or skip where it is not installed."""
    return installed("promtool")


@pytest.fixture(scope="session")
def amtool() -> Run:
    """Run amtool, or skip where it is not installed."""
    return installed("amtool")


def _expected(labels: Mapping[str, str], description: str) -> dict[str, object]:
    """Return what promtool compares: texts that do not change come from the definitions."""
    cause = labels.get("cause")
    if cause is None:
        definition = next(item for item in field.SPECS if item.slug == labels["insight"])
        rule = next(
            item for item in rules_for("oncall") if item.labels["insight"] == definition.slug
        )
        # What promtool shows for a listing that has no bound of its own.
        notes = {**rule.annotations, "title": definition.usual_title, "description": description}
    else:
        rule = next(item for item in rules_for("oncall") if item.labels.get("cause") == cause)
        notes = {**rule.annotations, "description": description}
    return {"exp_labels": dict(labels), "exp_annotations": notes}


@pytest.fixture
def check_rules(promtool: Run, tmp_path: Path) -> Callable[..., None]:
    """Run one rule test through promtool, against freshly written rules.

    Takes the name of the rule file, the time between samples and between evaluations, cumulative
    values by selector in promtool's notation, what is expected to fire, and how many alerts fire
    where the number that they tell depends on whether a window has its first moment: it has in
    Prometheus 2, and not in 3.
    """

    def check(
        *,
        rules: str,
        interval: str,
        series: Mapping[str, str],
        expect: Expected,
        count: Mapping[tuple[str, str], int] | None = None,
    ) -> None:
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
                    "promql_expr_test": [
                        {
                            "eval_time": time,
                            "expr": f'count(ALERTS{{alertname="{alert}", alertstate="firing"}})',
                            "exp_samples": [{"labels": "{}", "value": number}],
                        }
                        for (time, alert), number in (count or {}).items()
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

    def query_range(self, expr: str, *, span: int = 6 * 3600, step: int = 600) -> list[list[float]]:
        """Return the values of each series over so many seconds, at multiples of the step."""
        answer = self._get(
            "query_range",
            query=expr,
            start=(self.end - span) // step * step,
            end=self.end // step * step,
            step=step,
        )
        return [[float(value) for _, value in item["values"]] for item in answer]

    def _get(self, path: str, **parameters: object) -> list[Any]:
        encoded = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(
                f"{self._url}/api/v1/{path}?{encoded}", timeout=patience()
            ) as got:
                result: list[Any] = json.load(got)["data"]["result"]
                return result
        except urllib.error.HTTPError as error:
            pytest.fail(f"{parameters['query']}: {error.read().decode()}")


@contextmanager
def _prometheus_over(data: Path, end: int) -> Generator[SeededPrometheus]:
    """Run Prometheus over a data directory, on loopback."""
    command = shutil.which("prometheus")
    if command is None:
        pytest.skip("prometheus is not installed (Debian: prometheus)")
    config, path = data.with_suffix(".yml"), data.with_suffix(".log")
    config.write_text("{}", encoding="utf-8")
    port = free_port()
    with path.open("wb") as log:
        process = subprocess.Popen(
            [
                command,
                f"--config.file={config}",
                f"--storage.tsdb.path={data}",
                "--storage.tsdb.retention.time=50y",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        _wait_ready(f"http://127.0.0.1:{port}/-/ready", path)
        yield SeededPrometheus(f"http://127.0.0.1:{port}", end)
    finally:
        process.terminate()
        process.wait(patience())


@pytest.fixture(scope="session")
def prometheus_over() -> Callable[[Path, int], AbstractContextManager[SeededPrometheus]]:
    """Run Prometheus over a data directory that ends at a time, or skip without one."""
    return _prometheus_over


@pytest.fixture(scope="session")
def seeded_prometheus(
    promtool: Run, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SeededPrometheus]:
    """Run Prometheus over the data of ``seed.py``, on loopback, for the session."""
    folder = tmp_path_factory.mktemp("prometheus")
    text = folder / "seed.txt"
    seed = runpy.run_path(str(Path(__file__).with_name("seed.py")))
    text.write_text(seed["openmetrics"](), encoding="utf-8")
    made = promtool("tsdb", "create-blocks-from", "openmetrics", text, folder / "data")
    assert made.returncode == 0, made.stderr
    with _prometheus_over(folder / "data", seed["END"]) as server:
        yield server


def _wait_ready(url: str, log: Path) -> None:
    def ready() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=patience()):
                return True
        except OSError:
            return False

    try:
        wait_for(ready, "Prometheus is ready", every=0.1)
    except AssertionError:
        pytest.fail(f"Prometheus did not become ready: {log.read_text(encoding='utf-8')[-2000:]}")
