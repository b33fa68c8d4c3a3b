"""A listing that fails in a burst and takes its process down with it is paged all the same."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.cli.prometheus import ask, job, running
from tests.insights.rules.test_rules_error_rate import ALERT, firing, invocations
from tests.patience import wait_for

from agent_analytics.insights import write_rules

Check = Callable[..., None]
#: Two minutes of health, two scrapes of a burst, and nothing more: the process is gone.
CRASH = " stale"


@pytest.mark.parametrize(
    ("error", "alerts"),
    [
        pytest.param("0x24 40 80", 1, id="half of the burst fails"),
        pytest.param("0x24 2 3", 0, id="no more than it may"),
    ],
)
def test_burst_then_crash(check_rules: Check, error: str, alerts: int) -> None:
    """The page comes from the minute before the crash, although no series is scraped any more."""
    series = invocations(success=f"0x24 40 80{CRASH}", error=f"{error}{CRASH}")
    # The gauge of the moment is gone with the process.
    gauge = 'marketplace_agent_invocations_in_progress{publisher_id="acme", agent_id="finder"}'
    series |= {gauge: f"1x26{CRASH}", 'up{job="agent-analytics", instance="a"}': "1x26 0x40"}
    check_rules(
        rules="oncall.yml",
        interval="5s",
        series=series,
        expect={("2m10s", ALERT): [firing("50%")] * alerts},
        # After the crash, for the minute that the alert is kept, and then over half an hour.
        count={(time, ALERT): 1 for time in ("2m40s", "3m20s", "4m30s") if alerts},
    )


def test_a_bound_of_its_own_outlives_the_crash(check_rules: Check) -> None:
    """A listing's own bound comes from elsewhere, and holds after the crash too."""
    series = invocations(success=f"0x24 40 80{CRASH}", error=f"0x24 40 80{CRASH}")
    own = 'marketplace_insight_threshold{insight="error-rate", publisher_id="acme", agent_id='
    check_rules(
        rules="oncall.yml",
        interval="5s",
        series={**series, f'{own}"finder"}}': "0.6x80"},
        expect={("2m40s", ALERT): []},
    )


class Process(ThreadingHTTPServer):
    """A process that exposes a listing's invocations until it crashes."""

    daemon_threads = True

    def __init__(self) -> None:
        self.counts = {"success": 0, "error": 0}
        self.bursts_seen = 0
        super().__init__(("127.0.0.1", 0), Page)

    def expose(self) -> bytes:
        """Return the exposition, and note that a burst was seen."""
        self.bursts_seen += bool(self.counts["error"])
        series = invocations(**{key: str(value) for key, value in self.counts.items()})
        return "".join(f"{name} {value}\n" for name, value in series.items()).encode()


class Page(BaseHTTPRequestHandler):
    """Answers a scrape."""

    def do_GET(self) -> None:
        """Send the counters."""
        self.send_response(200)
        # Prometheus 3 reads nothing of which it is not said what it is.
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        assert isinstance(self.server, Process)
        self.wfile.write(self.server.expose())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is called
        """Say nothing."""


@pytest.mark.slow
def test_burst_then_crash_on_a_real_prometheus(tmp_path: Path) -> None:
    """One scrape sees the burst, the process is gone at the next, and on-call is paged."""
    rules = write_rules(tmp_path / "rules", oncall_interval="1s")
    with Process() as process:
        thread = threading.Thread(target=process.serve_forever)
        thread.start()
        target = f"127.0.0.1:{process.server_port}"
        with running(
            tmp_path, [job("agent-analytics", target)], rules=[str(path) for path in rules]
        ) as url:
            process.counts = {"success": 300, "error": 100}
            wait_for(lambda: process.bursts_seen, "the burst is scraped")
            process.shutdown()
            thread.join()
            process.server_close()
            wait_for(lambda: _down(url), "Prometheus finds that the process is gone", every=0.1)
            page = wait_for(lambda: _page(url), "on-call is paged", every=0.1) or {}
    assert page["labels"]["agent_id"] == "finder"
    assert page["labels"]["traffic"] == "dense"
    assert page["annotations"]["description"].startswith("25% of the invocations of finder")


def _down(url: str) -> bool:
    found = ask(url, "/api/v1/query?query=up")
    return bool(found) and [each["value"][1] for each in found["result"]] == ["0"]


def _page(url: str) -> dict[str, Any] | None:
    found = ask(url, "/api/v1/alerts")
    alerts: list[dict[str, Any]] = found["alerts"] if found else []
    pages = [
        each
        for each in alerts
        if each["labels"]["alertname"] == ALERT and each["state"] == "firing"
    ]
    return pages[0] if pages else None
