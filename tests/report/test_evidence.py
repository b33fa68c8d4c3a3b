"""Evidence of an insight: the query that shows it, and a trace without content."""

import json
import re
import runpy
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from html import unescape
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.patience import wait_for

from agent_analytics.insights import Insight
from agent_analytics.insights._definitions import OF_PUBLISHERS
from agent_analytics.insights._prometheus.client import PrometheusClient
from agent_analytics.insights._report.answers.evidence import with_traces
from agent_analytics.insights._report.mail.digest import digest
from agent_analytics.insights._rules.runbooks import traces
from agent_analytics.insights.report import Format, Report, render

MADE: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("test_render.py")))
INSIGHT: Insight = MADE["INSIGHT"]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
#: Digits of traces: an older failure, a newer one, a slow success, a quick one, a call of a tool.
OLD, NEW, SLOW, QUICK, TOOL = (digit * 32 for digit in "12345")


def served(now: float) -> str:
    """Return an exposition with exemplars, some of which are no trace."""
    own = 'publisher_id="acme",agent_id="finder"'
    name = "marketplace_agent_invocation_duration_seconds"
    tool = "marketplace_agent_tool_call_duration_seconds"

    def line(labels: str, trace: str, value: float, at: float, metric: str = name) -> str:
        exemplar = f'# {{trace_id="{trace}",secret="a tenant"}} {value} {at}'
        return f"{metric}_bucket{{{own},{labels}}} 1 {exemplar}\n"

    return (
        f"# TYPE {name} histogram\n"
        + line('outcome="error",le="1.0"', OLD, 0.5, now - 60)
        + line('outcome="error",le="5.0"', NEW, 4, now - 30)
        + line('outcome="error",le="10.0"', "no trace <b>", 6, now - 5)
        + line('outcome="success",le="1.0"', QUICK, 0.5, now - 5)
        + line('outcome="success",le="30.0"', SLOW, 20, now - 50)
        + f"# TYPE {tool} histogram\n"
        + line('tool="mail",le="30.0"', TOOL, 20, now - 50, tool)
        + "# EOF\n"
    )


@contextmanager
def endpoint(text: str) -> Generator[int]:
    """Serve a text as OpenMetrics, and yield the port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer a scrape."""
            self.send_response(200)
            self.send_header(
                "Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8"
            )
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.servers
def test_a_trace_is_that_of_an_exemplar(
    stored: Callable[[str], Path], start: Callable[..., Any]
) -> None:
    """Failures show the last failed trace, slow answers the longest one, others none at all."""
    asked = [
        replace(INSIGHT, name=name, tool=tool)
        for name, tool in (
            ("error-rate", ""),
            ("response-time", ""),
            ("tool-latency", "mail"),
            ("tool-latency", "search"),
            ("negative-margin", ""),
        )
    ]
    asked.append(replace(asked[0], agent_id="writer"))
    nothing = "# TYPE nothing gauge\nnothing 1 1\n# EOF\n"
    with endpoint(served(time.time())) as port:
        config = (
            "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\nscrape_configs:\n"
            f"- {{job_name: a, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}\n"
        )
        with start(stored(nothing), config, "--enable-feature=exemplar-storage") as url:
            client = PrometheusClient(url)
            wait_for(
                lambda: with_traces(client, asked[:1])[0].trace_id != "",
                "Prometheus has scraped",
                every=0.1,
            )
            found = with_traces(client, asked)
        with start(stored(nothing).parent / "given", config) as url:
            kept_none = with_traces(PrometheusClient(url), asked)
    assert [each.trace_id for each in found] == [NEW, SLOW, TOOL, "", "", ""]
    assert {each.trace_id for each in kept_none} == {""}


@pytest.mark.parametrize("form", ["terminal", "html", "json"])
def test_pages_name_the_trace(form: Format) -> None:
    """A page has the id of the trace, and nothing where there is none."""
    shown = render(Report(MADE["DASHBOARD"], [replace(INSIGHT, trace_id=TRACE)]), form)
    assert TRACE in shown
    assert "A trace of it" not in render(Report(MADE["DASHBOARD"], [INSIGHT]), form)


def test_the_mail_names_the_trace() -> None:
    """Both parts of the mail have the id of the trace."""
    report = Report(MADE["DASHBOARD"], [replace(INSIGHT, trace_id=TRACE)])
    mail = digest(report.page, sender="reports@market.example", to=["a@b.example"], file="a.html")
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        assert TRACE in part.get_content()


def test_the_query_that_shows_it() -> None:
    """An insight has the query of its number, in which no name is more than a string."""
    insight = replace(INSIGHT, agent_id='x"} or vector(1) #')
    assert insight.query == (
        'marketplace_insight_measure{insight="error-rate", publisher_id="acme",'
        ' agent_id="x\\"} or vector(1) #", tool="mail"}'
    )
    assert (
        json.loads(render(Report(MADE["DASHBOARD"], [insight]), "json"))["insights"][0]["query"]
        == insight.query
    )


@pytest.mark.parametrize(
    ("traces_at", "link"),
    [
        ("https://tempo.example/trace/", f"https://tempo.example/trace/{TRACE}"),
        (
            "https://g.example/explore?id={trace_id}&x=1",
            f"https://g.example/explore?id={TRACE}&x=1",
        ),
        ("javascript:alert(1)", ""),
    ],
)
def test_links_lead_to_where_readers_look(traces_at: str, link: str) -> None:
    """A page links the query at Prometheus and the trace where it is looked up, by HTTP alone."""
    insight = replace(INSIGHT, agent_id='a"&b', trace_id=TRACE)
    report = Report(
        MADE["DASHBOARD"], [insight], queries="https://prom.example/p/", traces=traces_at
    )
    links = [unescape(found) for found in re.findall('href="([^"]*)"', render(report, "html"))]
    query, *trace = links
    assert query.startswith("https://prom.example/p/graph?")
    assert parse_qs(urlsplit(query).query)["g0.expr"] == [insight.query]
    assert trace == ([link] if link else [])
    assert "href" not in render(Report(MADE["DASHBOARD"], [insight]), "html")


@pytest.mark.parametrize("spec", OF_PUBLISHERS, ids=lambda spec: spec.slug)
def test_traces_are_of_the_listing(spec: Any) -> None:  # noqa: ANN401 - as parametrize gives it
    """What is looked for exemplars names the publisher and the listing, or there is none."""
    series = traces(spec.slug, "acme", "finder", "mail")
    assert not series or all(f'="{name}"' in series for name in ("acme", "finder"))
