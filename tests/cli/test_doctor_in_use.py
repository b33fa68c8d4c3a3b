"""The doctor judges a service by what the service says, not by the shell of the doctor."""

import http.client
import http.server
import json
import os
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent_analytics.cli._doctor import Examination, examine
from agent_analytics.cli._doctor.command import hold_of
from agent_analytics.cli._doctor.prometheus.targets import Target, check_hold
from agent_analytics.cli._doctor.service.in_use import InUse
from agent_analytics.exporters import configure, start_http_server
from agent_analytics.processor import AgentMetricsProcessor

KEY = "AGENT_ANALYTICS_TENANT_KEY"
#: Environment of a service, arguments of its configure(), environment of the shell, what is said
#: to be wrong (empty for nothing), and what is said not to have been checked.
CASES: dict[str, tuple[dict[str, str], dict[str, Any], dict[str, str], str, str]] = {
    "a key that the shell lacks": ({KEY: "s3cret"}, {}, {}, "", f"the values of {KEY}, which"),
    "a key that code gives": ({}, {"tenant_key": "s3cret"}, {}, "", ""),
    "a key that the service lacks": ({}, {}, {KEY: "s3cret"}, "has no tenant key", ""),
    "a key that nobody has": ({}, {}, {}, "has no tenant key", ""),
    "a state directory that code gives": (
        {KEY: "s3cret"},
        {"state_dir": "state"},
        {KEY: "s3cret", "WEB_CONCURRENCY": "4"},
        "",
        "the state directory of the service",
    ),
    "workers without a state directory": (
        {KEY: "s3cret"},
        {"state_dir": None},
        {KEY: "s3cret", "WEB_CONCURRENCY": "4", "AGENT_ANALYTICS_STATE_DIR": "/nowhere/state"},
        "WEB_CONCURRENCY starts 4 workers",
        "/nowhere/state",
    ),
    "a service that records nothing": (
        {KEY: "s3cret", "OTEL_SDK_DISABLED": "true"},
        {},
        {KEY: "s3cret"},
        "OTEL_SDK_DISABLED is set: nothing is recorded",
        "the values of OTEL_SDK_DISABLED",
    ),
    "a shell that records nothing": (
        {KEY: "s3cret"},
        {},
        {KEY: "s3cret", "OTEL_SDK_DISABLED": "true"},
        "",
        "",
    ),
}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take out of the environment what the tests set themselves."""
    for variable in os.environ:
        if variable.startswith(("OTEL_", "AGENT_ANALYTICS_", "WEB_CONCURRENCY")):
            monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)


@contextmanager
def service(
    monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str], **arguments: object
) -> Generator[str]:
    """Run a service in an environment of its own, and yield its address."""
    given: dict[str, Any] = {"metrics_port": 0, **arguments}
    with monkeypatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        runtime = configure(**given)
    try:
        yield f"http://127.0.0.1:{runtime.metrics_port}/metrics"
    finally:
        runtime.shutdown()


@pytest.mark.parametrize("case", CASES)
def test_the_service_knows(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the service says of its settings counts, whatever the shell has or lacks."""
    environment, arguments, shell, wrong, unchecked = CASES[case]
    with service(monkeypatch, environment, **arguments) as address:
        for name, value in shell.items():
            monkeypatch.setenv(name, value)
        found = examine(address, "none")
    said = [each.wrong for each in found.problems if "No span" not in each.wrong]
    assert (len(said), wrong in "".join(said)) == (bool(wrong), True)
    assert unchecked in "\n".join(found.unchecked)


def test_nobody_says_whether_there_is_a_key() -> None:
    """Without a service, a key that is not set here is not called wrong; how to look is said."""
    found = examine("none", "none")
    assert found.problems == []
    (left,) = [each for each in found.unchecked if "tenant key" in each]
    assert f"{KEY} is not set here" in left
    assert "`not set: tenant key`" in left


def test_a_service_that_says_nothing() -> None:
    """A service without configure(), or of an earlier release, leaves its key unchecked."""
    with start_http_server(AgentMetricsProcessor(hold_seconds=0)) as server:
        found = examine(f"{server.url}/metrics", "none")
    assert "the tenant key" in "\n".join(found.unchecked)
    assert not any("tenant key" in each.wrong for each in found.problems)


def test_what_the_service_was_started_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is set here alone is worth knowing, by its name without its value."""
    with service(monkeypatch, {KEY: "s3cret"}) as address:
        monkeypatch.setenv(KEY, "s3cret")
        monkeypatch.setenv("AGENT_ANALYTICS_TAKE_RATE", "0.25")
        monkeypatch.setenv("AGENT_ANALYTICS_PROMETHEUS", "none")
        found = examine(address, None)
    (note,) = found.notes
    assert note.wrong == (
        "The service was started without AGENT_ANALYTICS_TAKE_RATE, which is set here."
    )


def test_no_value_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """/-/settings shows names and switches; neither a secret nor a path."""
    environment = {
        KEY: "s3cret-key",
        "AGENT_ANALYTICS_STATE_DIR": "s3cret-place",
        "OTEL_EXPORTER_OTLP_HEADERS": "a=s3cret-header",
        "OTEL_SERVICE_NAME": "shop",
    }
    with service(monkeypatch, environment) as address, start_client(address) as text:
        shown = json.loads(text)
    assert "s3cret" not in text
    assert shown["service_name"] == "shop"
    assert shown["tenant_key"] is shown["state_dir"] is True
    assert shown["variables"] == sorted(environment)


@contextmanager
def start_client(address: str) -> Generator[str]:
    """Yield what the service shows of its settings."""
    connection = http.client.HTTPConnection(address.split("/")[2])
    connection.request("GET", "/-/settings")
    yield connection.getresponse().read().decode()
    connection.close()


def test_the_hold_is_the_services() -> None:
    """How long newborn series show 0 is the service's word, then this environment's, else open."""
    here = {"AGENT_ANALYTICS_HOLD_SECONDS": "3"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(*next(iter(here.items())))
        assert hold_of(here, InUse(hold_seconds=7)) == 7
        assert hold_of(here, InUse()) == 3
    assert hold_of({}, InUse()) is None
    found = Examination()
    check_hold(found, [Target("agent-analytics", "a", "http://a/metrics", "up", "", 31.0)], None)
    assert found.problems == []


@pytest.mark.parametrize("variable", ["AGENT_ANALYTICS_PRICES", "AGENT_ANALYTICS_WEB_CONFIG"])
def test_a_relative_path(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that begins in the service's working directory is not called missing from here."""
    monkeypatch.setenv(variable, "etc/file")
    found = examine("none", "none")
    assert found.problems == []
    assert "begins in the working directory of the service" in "\n".join(found.unchecked)


def test_a_state_directory_of_later() -> None:
    """A state directory that is not there yet is no fault: the service makes it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGENT_ANALYTICS_STATE_DIR", "/nowhere/state")
        found = examine("none", "none")
    assert found.problems == []
    assert "/nowhere/state, which does not exist (yet)" in "\n".join(found.unchecked)


STRANGE: dict[str, str] = {
    "no JSON": "<html>",
    "a list": "[1, 2]",
    "other types": '{"tenant_key": "yes", "hold_seconds": "x", "variables": 5, "state_dir": 1}',
    "names that are none": '{"variables": [1, null, {"a": 2}]}',
    "nothing": "",
}


@pytest.mark.parametrize("case", STRANGE)
def test_settings_of_no_service(case: str) -> None:
    """Whatever answers for the settings, nothing is believed of it that is not of its type."""
    processor = AgentMetricsProcessor(hold_seconds=0)
    with start_http_server(processor) as real:
        exposition = _get(f"{real.url}/metrics")

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = exposition if self.path == "/metrics" else STRANGE[case].encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                found = examine(f"http://127.0.0.1:{server.server_port}/metrics", "none")
            finally:
                server.shutdown()
                thread.join()
    assert "the tenant key" in "\n".join(found.unchecked)


def _get(address: str) -> bytes:
    connection = http.client.HTTPConnection(address.split("/")[2])
    connection.request("GET", "/metrics")
    body = connection.getresponse().read()
    connection.close()
    return body
