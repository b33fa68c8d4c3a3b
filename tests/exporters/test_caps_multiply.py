"""The whole attack, on a real Prometheus: one publisher fills every cap at once."""

import sys
import time
import urllib.parse
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import Tracer, set_span_in_context
from tests.cli.prometheus import ask, job, running

from agent_analytics.exporters import exposition, start_http_server
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor, Limits

LISTINGS, TOOLS, MODELS, ERRORS = 1_000, 64, 32, 32
NAMES: Final[Mapping[str, Callable[[str], str]]] = {
    "short": lambda name: name,
    "quotes": lambda name: name + '"' * (200 - len(name)),
    "four bytes": lambda name: name + "\U0001f600" * (200 - len(name)),
}


def attack(tracer: Tracer, stretch: Callable[[str], str], listings: int) -> None:
    """Use listings with as many tools, models and error types as caps on names admit."""
    for number in range(listings):
        ids = {
            v.OPERATION_NAME: v.INVOKE_AGENT,
            v.PUBLISHER_ID: "evil",
            v.AGENT_ID: stretch(f"a{number}"),
        }
        for error in range(ERRORS):
            run = tracer.start_span("invoke_agent", attributes=ids)
            context = set_span_in_context(run)
            for place in range(error, TOOLS, ERRORS):
                named = {v.OPERATION_NAME: v.EXECUTE_TOOL, v.TOOL_NAME: stretch(f"t{place}")}
                tracer.start_span("execute_tool", context, attributes=named).end()
            for place in range(error, MODELS, ERRORS):
                named = {v.OPERATION_NAME: v.CHAT, v.REQUEST_MODEL: stretch(f"m{place}")}
                told = named | {v.INPUT_TOKENS: 3, v.OUTPUT_TOKENS: 5}
                tracer.start_span("chat", context, attributes=told).end()
            run.set_attributes({v.OUTCOME: "error", v.ERROR_TYPE: stretch(f"E{error}")})
            run.end()


def neighbour(tracer: Tracer) -> None:
    """Use one listing of another publisher, three times."""
    ids = {v.OPERATION_NAME: v.INVOKE_AGENT, v.PUBLISHER_ID: "honest", v.AGENT_ID: "finder"}
    for _ in range(3):
        run = tracer.start_span("invoke_agent", attributes={**ids, v.REVENUE_USD: "0.25"})
        named = {v.OPERATION_NAME: v.EXECUTE_TOOL, v.TOOL_NAME: "search"}
        tracer.start_span("execute_tool", set_span_in_context(run), attributes=named).end()
        run.end()


def _value(url: str, expression: str) -> float | None:
    """Return what Prometheus answers to a query, or ``None`` where there is nothing yet."""
    answer = ask(url, "/api/v1/query?" + urllib.parse.urlencode({"query": expression}))
    return float(answer["result"][0]["value"][1]) if answer and answer["result"] else None


@pytest.mark.prove
@pytest.mark.servers
@pytest.mark.parametrize("names", list(NAMES))
def test_a_prometheus_takes_the_scrape_of_a_flood(tmp_path: Path, names: str) -> None:
    """1,000 listings of 64 tools, 32 models and 32 error types leave the scrape as it should be."""
    processor = AgentMetricsProcessor(hold_seconds=0)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("attack")
    attack(tracer, NAMES[names], LISTINGS)
    neighbour(tracer)
    began = time.perf_counter()
    body, _ = exposition(processor)
    took = time.perf_counter() - began
    samples = sum(not line.startswith(b"#") for line in body.splitlines())
    sys.stdout.write(
        f"\n{names}: {samples:,} samples, {len(body) / 1e6:.1f} MB, rendered in {took:.2f} s\n"
    )
    assert samples <= Limits().max_samples
    assert len(body) <= Limits().max_exposition_bytes
    with start_http_server(processor) as server:
        target = f"127.0.0.1:{server.port}"
        scraped = job("agent-analytics", target, scrape_interval="10s", scrape_timeout="10s")
        ready = partial(_value, expression="up")
        with running(tmp_path, [scraped], ready=ready) as url:

            def value(expression: str) -> float:
                found = _value(url, expression)
                assert found is not None, f"Prometheus has nothing for {expression}"
                return found

            assert value("up") == 1
            calls = LISTINGS * ERRORS
            mine = 'publisher_id="honest", agent_id="finder"'
            total = "marketplace_agent_{}_total"
            invocations, tools = total.format("invocations"), total.format("tool_calls")
            assert value(f"sum({invocations}{{{mine}}})") == 3
            assert value(f'{tools}{{{mine}, tool="search", outcome="success"}}') == 3
            assert value(f"{total.format('revenue_usd')}{{{mine}}}") == 0.75
            for metric, count in {
                "invocations": calls,
                "invocation_errors": calls,
                "tool_calls": LISTINGS * TOOLS,
                "inference_calls": LISTINGS * MODELS,
                "input_tokens": 3 * LISTINGS * MODELS,
                "output_tokens": 5 * LISTINGS * MODELS,
            }.items():
                assert value(f'sum({total.format(metric)}{{publisher_id="evil"}})') == count
            assert value("scrape_samples_scraped") == samples
            sys.stdout.write(f"scraped in {value('scrape_duration_seconds'):.2f} s\n")
