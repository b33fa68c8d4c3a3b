"""A real Prometheus on a configuration of the test's own."""

import contextlib
import json
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.patience import patience, wait_for
from tests.ports import free_port


def ask(url: str, path: str) -> Any:  # noqa: ANN401 - JSON of a server
    """Return what an API of Prometheus answers; None while it does not."""
    try:
        with urllib.request.urlopen(f"{url}{path}", timeout=patience()) as answer:
            return json.load(answer)["data"]
    except OSError:
        return None


def job(name: str, target: str, **more: object) -> dict[str, object]:
    """Return a scrape configuration."""
    return {
        "job_name": name,
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "static_configs": [{"targets": [target]}],
        **more,
    }


def healthy(target: str) -> list[dict[str, object]]:
    """Return the two jobs that a service needs."""
    return [
        job("agent-analytics", target),
        job("agent-analytics-sketches", target, metrics_path="/metrics/sketches"),
    ]


@contextlib.contextmanager
def running(
    place: Path,
    jobs: Sequence[dict[str, object]],
    *,
    rules: Sequence[str] = (),
    alertmanager: str | None = "127.0.0.1:9",
    ready: Callable[[str], object] | None = None,
    port: int | None = None,
) -> Generator[str]:
    """Run a Prometheus, and yield its address once every target was scraped and it is ready.

    Args:
        place: Directory of the test.
        jobs: Its scrape configurations.
        rules: Its files of rules.
        alertmanager: Its Alertmanager, which need not answer.
        port: Where it listens; None for anywhere.
        ready: Is given the address, and returns something true once what is waited for is there.
    """
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed (Debian: prometheus)")
    known = [{"static_configs": [{"targets": [alertmanager]}]}] if alertmanager else []
    config = place / "prometheus.yml"
    document = {
        "rule_files": list(rules),
        "alerting": {"alertmanagers": known},
        "scrape_configs": list(jobs),
    }
    config.write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
    url = f"http://127.0.0.1:{port or free_port()}"
    command = [
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={place / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--log.level=error",
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: _scraped(url, len(jobs)), "all targets scraped", every=0.1)
            if ready is not None:
                wait_for(lambda: ready(url), "what the test waits for", every=0.1)
            yield url
        finally:
            process.terminate()


def _scraped(url: str, count: int) -> bool:
    data = ask(url, "/api/v1/targets?state=active")
    targets: list[dict[str, Any]] = data["activeTargets"] if data else []
    return len(targets) == count and all(each["health"] != "unknown" for each in targets)
