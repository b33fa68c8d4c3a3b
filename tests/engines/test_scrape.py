"""The current engines scrape in every form that they may ask for, and store what was counted."""

import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.engines.engines import (
    PROMETHEUS,
    VICTORIA,
    answered,
    current,
    prometheus,
    victoria_metrics,
)
from tests.exposition.conftest import Market
from tests.patience import wait_for

from agent_analytics.exporters import start_http_server

pytestmark = pytest.mark.engines

#: How Prometheus 3 may be told to ask, by the name of the job.
FORMS: Final[dict[str, dict[str, object]]] = {
    "default": {},
    "openmetrics-1": {"scrape_protocols": ["OpenMetricsText1.0.0"]},
    "openmetrics-0.0.1": {"scrape_protocols": ["OpenMetricsText0.0.1"]},
    "text-1": {"scrape_protocols": ["PrometheusText1.0.0"]},
    "text-0.0.4": {"scrape_protocols": ["PrometheusText0.0.4"]},
    "protobuf-first": {"scrape_native_histograms": True},
    "protobuf-alone": {"scrape_protocols": ["PrometheusProto"]},
    "underscores": {"metric_name_escaping_scheme": "underscores"},
    "dots": {"metric_name_escaping_scheme": "dots"},
    "values": {"metric_name_escaping_scheme": "values"},
    "legacy": {
        "metric_name_validation_scheme": "legacy",
        "metric_name_escaping_scheme": "underscores",
    },
    "both-histograms": {"always_scrape_classic_histograms": True},
}
#: Of the process and of the time, not of what was counted.
MOVING: Final = (
    "up",
    "scrape_",
    "agent_analytics_last_span",
    "agent_analytics_internal",
    "agent_analytics_unrecorded",
)
HOSTILE: Final = 'a "b" \\ {c="d"}\n\N{SNOWMAN} # EOF'

Stored = dict[tuple[tuple[str, str], ...], float]


@pytest.fixture(scope="module")
def market() -> Market:
    """Let everything happen once that makes a series, and for a listing with a hostile name."""
    market = Market()
    market.everything()
    market.everything("acme", HOSTILE)
    return market


@pytest.fixture(scope="module")
def expected(market: Market) -> Stored:
    """Read what the exposition says in the oldest form."""
    families = text_string_to_metric_families(market.text())
    return {
        _key({**sample.labels, "__name__": sample.name}): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.startswith(MOVING)
    }


def _key(labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(pair for pair in labels.items() if pair[0] not in {"job", "instance"}))


def _config(target: str, forms: dict[str, dict[str, object]]) -> str:
    jobs = [
        {"job_name": name, "static_configs": [{"targets": [target]}], **form}
        for name, form in forms.items()
    ]
    every = {"scrape_interval": "1s", "scrape_timeout": "1s"}
    return yaml.safe_dump({"global": every, "scrape_configs": jobs})


@pytest.fixture(scope="module")
def target(market: Market) -> Iterator[str]:
    """Serve the exposition."""
    with start_http_server(market.processor) as server:
        yield f"127.0.0.1:{server.port}"


def _stored(url: str, job: str) -> Stored:
    """Return what a server has of a job, once it has scraped it."""

    def ask(query: str) -> list[dict[str, Any]]:
        asked = urllib.parse.urlencode({"query": query, "nocache": 1})
        found: list[dict[str, Any]] = answered(url, f"api/v1/query?{asked}")["data"]["result"]
        return found

    wait_for(lambda: ask(f'up{{job="{job}"}} == 1'), f"{job} is up", every=0.2)
    found: Stored = {}
    for each in ask(f'{{job="{job}"}}'):
        labels: dict[str, str] = each["metric"]
        value: list[str] = each["value"]
        if not labels["__name__"].startswith(MOVING):
            found[_key(labels)] = float(value[1])
    return found


@pytest.fixture(scope="module")
def prometheus_3(target: str) -> Iterator[str]:
    """Run a Prometheus 3 that asks in every form."""
    program = current(PROMETHEUS, "prometheus")
    with prometheus(program, None, config=_config(target, FORMS)) as url:
        yield url


@pytest.mark.parametrize("form", FORMS)
def test_prometheus_3_stores_what_is_counted(
    prometheus_3: str, expected: Stored, form: str
) -> None:
    """In whatever form it asks, every series has the labels and the number of the exposition."""
    assert len(expected) > 150
    assert _stored(prometheus_3, form) == expected


def test_start_times_are_no_traffic(target: str, expected: Stored) -> None:
    """With the features of Prometheus 3 that read when a counter began, the counts stay."""
    program = current(PROMETHEUS, "prometheus")
    features = "created-timestamp-zero-ingestion,exemplar-storage,metadata-wal-records"
    config = _config(target, {"zero": {}})
    with prometheus(program, None, f"--enable-feature={features}", config=config) as url:
        assert _stored(url, "zero") == expected


def test_victoria_metrics_stores_what_is_counted(
    target: str, expected: Stored, tmp_path: Path
) -> None:
    """So does VictoriaMetrics, which scrapes by the same configuration."""
    file = tmp_path / "scrape.yml"
    file.write_text(_config(target, {"victoria": {}}), encoding="utf-8")
    program = current(VICTORIA, "victoria-metrics")
    with victoria_metrics(program, None, f"-promscrape.config={file}") as url:
        assert _stored(url, "victoria") == expected
