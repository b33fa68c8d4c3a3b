"""What Prometheus warns of is passed on: an answer that lacks a part is never silently low."""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tests.patience import patience

from agent_analytics.insights._prometheus.client import PrometheusClient
from agent_analytics.insights.analytics import MarketplaceAnalytics, PublisherAnalytics

#: A remote store that is not there: what it would have given is missing from each answer.
REMOTE = """
remote_read:
  - url: http://127.0.0.1:9/read
    read_recent: true
"""
Start = Callable[[Path, str], AbstractContextManager[str]]


@pytest.fixture(scope="module")
def lacking(past: Path, start: Start, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a Prometheus whose remote store is out of reach."""
    data = tmp_path_factory.mktemp("lacking") / "data"
    shutil.copytree(past, data)
    with start(data, REMOTE) as url:
        yield url


@pytest.mark.servers
def test_a_report_says_that_a_part_is_missing(lacking: str, end: float) -> None:
    """A publisher's dashboard and the marketplace's name what Prometheus warned of."""
    publisher = PublisherAnalytics(lacking, timeout=patience()).dashboard("acme", 1, at=end)
    market = MarketplaceAnalytics(lacking, timeout=patience()).dashboard(1, at=end)
    for dashboard in (publisher, market):
        warnings = [text for text in dashboard.partial if text.startswith("Prometheus warns: ")]
        assert warnings
        assert all(text.endswith("Figures may be too low.") for text in warnings)
        assert "remote" in warnings[0]


@pytest.mark.servers
def test_a_whole_answer_warns_of_nothing(url: str, end: float) -> None:
    """Without a warning, nothing is said."""
    dashboard = PublisherAnalytics(url, timeout=patience()).dashboard("acme", 1, at=end)
    assert not [text for text in dashboard.partial if "warns" in text]


class Recorded(PrometheusClient):
    """Gives one answer that was recorded, without alerts and samples, to whatever it is asked."""

    def __init__(self, **document: object) -> None:
        super().__init__("http://127.0.0.1:9")
        data: dict[str, object] = {"alerts": [], "resultType": "vector", "result": []}
        self._body = json.dumps({"status": "success", "data": data, **document}).encode()

    def _request(self, path: str, body: bytes | None) -> bytes:
        del path, body
        return self._body

    def now(self) -> float:
        """Return a time: what asks for it is not what is tested."""
        return 1e9


def noted(**document: object) -> tuple[str, ...]:
    """Return what a client notes of an answer that comes twice."""
    client = Recorded(**document)
    client.alerts()
    client.alerts()
    first = client.take_warnings()
    assert client.take_warnings() == ()
    return first


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param({}, (), id="none"),
        pytest.param({"warnings": ["a", "b", "a"]}, ("a", "b"), id="each once"),
        pytest.param({"infos": ["metric might not be a counter"]}, (), id="infos of Prometheus 3"),
        pytest.param(
            {"isPartial": True}, ("a part of the data was out of reach",), id="VictoriaMetrics"
        ),
        pytest.param({"isPartial": False, "warnings": None}, (), id="whole"),
        pytest.param(
            {"warnings": ["No StoreAPIs matched for this query"]},
            ("No StoreAPIs matched for this query",),
            id="Thanos",
        ),
        pytest.param({"warnings": "text"}, (), id="odd"),
    ],
)
def test_warnings_of_servers(document: dict[str, object], expected: tuple[str, ...]) -> None:
    """Warnings are noted once, in whatever form a server has them; infos are none."""
    assert noted(**document) == expected


def test_warnings_are_bounded() -> None:
    """A server with thousands of warnings fills neither the memory nor the report."""
    found = noted(warnings=[f"{number} " + "x" * 10_000 for number in range(5_000)])
    assert len(found) == 20
    assert max(map(len, found)) <= 300


def test_insights_log_what_was_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """A list of insights has no place for a warning, so it is logged."""
    analytics = PublisherAnalytics("http://127.0.0.1:9")
    analytics._client = Recorded(warnings=["store gone"])  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]  # an answer that was recorded
    with caplog.at_level(logging.WARNING):
        assert analytics.insights("acme") == []
    assert "Prometheus warns: store gone. Figures may be too low." in caplog.text
