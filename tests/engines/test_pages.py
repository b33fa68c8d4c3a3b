"""A burst of failures becomes a page through the current engines, with the generated files."""

import itertools
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import pytest
from tests.engines.engines import (
    ALERTMANAGER,
    PROMETHEUS,
    VICTORIA,
    alertmanager,
    answered,
    current,
    prometheus,
    victoria_metrics,
    vmalert,
)
from tests.exposition.conftest import Market
from tests.patience import patience, wait_for
from tests.ports import free_port

from agent_analytics.demo._run.receiver import Page, Receiver
from agent_analytics.exporters import start_http_server
from agent_analytics.insights import alertmanager_config, prometheus_config, write_rules
from agent_analytics.instrumentation import vocabulary as v

pytestmark = pytest.mark.engines

INVOCATION: Final = {
    v.OPERATION_NAME: v.INVOKE_AGENT,
    v.PUBLISHER_ID: "acme",
    v.AGENT_ID: "finder",
    v.AGENT_NAME: "Finder",
}
#: One invocation in so many fails: four times what on-call bears.
ONE_IN: Final = 5


def _config(target: str, alerts: str, rules: Path) -> str:
    return prometheus_config(
        targets=[target], alertmanager=alerts.removeprefix("http://"), rules_dir=str(rules)
    )


@contextmanager
def _prometheus_3(target: str, alerts: str, rules: Path) -> Generator[str]:
    """Run a Prometheus 3 that scrapes a target, evaluates rules and alerts."""
    config = _config(target, alerts, rules)
    with prometheus(current(PROMETHEUS, "prometheus"), None, config=config) as url:
        yield url


@contextmanager
def _victoria(target: str, alerts: str, rules: Path) -> Generator[str]:
    """Run a VictoriaMetrics that scrapes a target, and a vmalert beside it."""
    file = rules.parent / "prometheus.yml"
    file.write_text(_config(target, alerts, rules), encoding="utf-8")
    flags = (
        f"-promscrape.config={file}",
        "-promscrape.config.strictParse=false",
        f"-vmalert.proxyURL=http://127.0.0.1:{(port := free_port())}",
    )
    with (
        victoria_metrics(current(VICTORIA, "victoria-metrics"), None, *flags) as url,
        vmalert(current(VICTORIA, "vmalert"), port, rules, url, alerts),
    ):
        yield url


Engines = Callable[[str, str, Path], AbstractContextManager[str]]
ENGINES: Final[dict[str, Engines]] = {"Prometheus 3": _prometheus_3, "VictoriaMetrics": _victoria}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Listen for pages."""
    with Receiver() as receiver:
        yield receiver


@pytest.mark.parametrize("engines", ENGINES)
def test_a_burst_pages(engines: str, receiver: Receiver, tmp_path: Path) -> None:
    """One in five invocations fails from some moment on: on-call gets that page and no other."""
    market = Market()
    rules = tmp_path / "rules"
    write_rules(rules)
    config = alertmanager_config(oncall_url=receiver.url, publisher_url=receiver.url)
    with (
        start_http_server(market.processor) as server,
        alertmanager(current(ALERTMANAGER, "alertmanager"), config) as alerts,
        ENGINES[engines](f"127.0.0.1:{server.port}", alerts, rules) as url,
    ):
        market.run(INVOCATION)
        market.run(INVOCATION, failed=True)
        wait_for(lambda: _evaluated(url), "the rules of on-call are evaluated", every=0.5)
        began = time.monotonic()
        page = _burst(market, receiver)
    # Scraped every five seconds, evaluated every five, held for five, grouped for one.
    assert page.arrived - began < patience(40)
    sys.stdout.write(f"{engines}: a page after {page.arrived - began:.1f} s\n")
    assert page.labels["alertname"] == "AgentErrorRateHigh"
    assert "% of the invocations of finder of acme failed" in page.annotations["description"]


def _evaluated(url: str) -> bool:
    """Whether each rule of on-call was evaluated, and none failed."""
    groups = answered(url, "api/v1/rules")["data"]["groups"]
    found = [
        (rule["health"], rule.get("lastError"))
        for group in groups
        if group["name"].startswith("agent-analytics-oncall")
        for rule in group["rules"]
    ]
    assert not [error for _, error in found if error]
    return bool(found) and all(health in {"ok", "no match"} for health, _ in found)


def _burst(market: Market, receiver: Receiver) -> Page:
    """Let invocations fail until a page is there, and return it."""
    deadline = time.monotonic() + patience()
    for number in itertools.count():
        market.run(INVOCATION, 10, failed=number % ONE_IN == 0)
        if number % 20 == 0:
            page = receiver.first_page("acme", "finder")
            if page is not None:
                return page
            assert time.monotonic() < deadline, "no page came"
            time.sleep(0.2)
    raise AssertionError
