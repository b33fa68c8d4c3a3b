"""Several real Prometheus servers that share the publishers of one endpoint out by their hash."""

import urllib.parse
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from opentelemetry.sdk.trace import TracerProvider
from tests.cli.prometheus import ask, running

from agent_analytics.exporters import start_http_server
from agent_analytics.insights import prometheus_config
from agent_analytics.instrumentation import vocabulary as names
from agent_analytics.processor import AgentMetricsProcessor, catalogue

#: Names that a hash and a regular expression may trip over.
PUBLISHERS: Final = (
    "acme",
    "globex",
    "Ünï",
    'q"uote',
    "a|b",
    ".*",
    "0",
    "1",
    "initech",
    "x y",
    "-",
)
SHARDS: Final = 3
_OF_TARGETS: Final = {catalogue.ACCOUNTING.name, catalogue.LAST_SPAN.name}


def counted() -> AgentMetricsProcessor:
    """Return a processor that has counted two invocations of each publisher."""
    processor = AgentMetricsProcessor(hold_seconds=0)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    for publisher in PUBLISHERS:
        for tenant in ("t-1", "t-2"):
            attributes = {
                names.OPERATION_NAME: names.INVOKE_AGENT,
                names.PUBLISHER_ID: publisher,
                names.AGENT_ID: "finder",
                names.TENANT_ID: tenant,
                names.OUTCOME: names.SUCCESS,
            }
            provider.get_tracer("test").start_span("invoke_agent", attributes=attributes).end()
    return processor


def jobs(target: str, shard: int, shards: int) -> list[dict[str, Any]]:
    """Return the scrape configurations of a shard, scraped every second."""
    text = prometheus_config(
        targets=[target],
        alertmanager="127.0.0.1:9",
        rules_dir="rules",
        scrape_interval="1s",
        sketch_interval="1s",
        shard=shard,
        shards=shards,
    )
    found: list[dict[str, Any]] = yaml.safe_load(text)["scrape_configs"]
    return found


def series(url: str) -> set[tuple[tuple[str, str], ...]]:
    """Return the series of this project that a server has, as they were scraped."""
    expr = urllib.parse.quote('{__name__=~"(marketplace_agent|agent_analytics)_.+"}')
    found = ask(url, f"/api/v1/query?query={expr}")["result"]
    return {tuple(sorted(each["metric"].items())) for each in found}


def test_each_series_is_at_one_evaluator(tmp_path: Path) -> None:
    """Together they have what one server has, a publisher at one of them, and their own names."""
    with start_http_server(counted(), port=0) as server, ExitStack() as stack:
        target = f"127.0.0.1:{server.port}"

        def scraped(name: str, shard: int, shards: int) -> str:
            place = tmp_path / name
            place.mkdir()
            return stack.enter_context(running(place, jobs(target, shard, shards)))

        every = series(scraped("all", 0, 1))
        split = [series(scraped(f"{shard}", shard, SHARDS)) for shard in range(SHARDS)]
    assert set().union(*split) == every
    listings = [{dict(each).get("publisher_id", "") for each in part} - {""} for part in split]
    assert sum(map(len, listings)) == len(PUBLISHERS)
    assert set().union(*listings) == set(PUBLISHERS)
    for shard, part in enumerate(split):
        own = {dict(each)["__name__"] for each in part if "publisher_id" not in dict(each)}
        assert own >= _OF_TARGETS
        assert (own == _OF_TARGETS) is (shard > 0)


@pytest.mark.parametrize(("shard", "shards"), [(-1, 3), (3, 3), (1, 1), (0, 0)])
def test_no_such_evaluator(shard: int, shards: int) -> None:
    """A shard that there is not is refused, which would keep nothing."""
    with pytest.raises(ValueError, match="shard: expected one of 0 to"):
        jobs("127.0.0.1:9464", shard, shards)
