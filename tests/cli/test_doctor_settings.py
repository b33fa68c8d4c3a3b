"""The doctor reads settings as configure() does, and says what to set."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tests.patience import patience

from agent_analytics.cli import main
from agent_analytics.cli._doctor import Problem, examine
from agent_analytics.exporters import checks, configure
from agent_analytics.processor import core_in_use

FINE = {"AGENT_ANALYTICS_TENANT_KEY": "a long secret"}
OURS = "AGENT_ANALYTICS_"
ALONE = ["doctor", "--metrics", "none", "--prometheus", "none"]
Look = Callable[[Mapping[str, str]], list[Problem]]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out of the environment what the tests set themselves."""
    for variable in os.environ:
        if variable.startswith(("OTEL_", OURS, "WEB_CONCURRENCY")):
            monkeypatch.delenv(variable)
    for name, value in FINE.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def problems(monkeypatch: pytest.MonkeyPatch) -> Look:
    """Return what returns the problems of settings."""

    def look(environment: Mapping[str, str]) -> list[Problem]:
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            return examine("none", "none").problems

    return look


#: Set-ups, what is said to be wrong, and what is said to be set.
WRONG = {
    # The five of the issue that settings alone show.
    "a-port-that-is-no-number": (
        {"AGENT_ANALYTICS_METRICS_PORT": "94a4"},
        "AGENT_ANALYTICS_METRICS_PORT: expected a port from 0 to 65535, or none, got '94a4'.",
        "Set AGENT_ANALYTICS_METRICS_PORT to 9464",
    ),
    "a-take-rate-of-20": (
        {"AGENT_ANALYTICS_TAKE_RATE": "20"},
        "AGENT_ANALYTICS_TAKE_RATE: expected a share from 0 to 1",
        "0.2 for 20 %",
    ),
    "an-endpoint-without-scheme": (
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"},
        "expected http://host:port or https://host:port, got 'collector:4317'",
        "Set OTEL_EXPORTER_OTLP_ENDPOINT to http://host:4317",
    ),
    "no-price-file": (
        {"AGENT_ANALYTICS_PRICES": "/nowhere/prices.json"},
        "AGENT_ANALYTICS_PRICES: /nowhere/prices.json does not exist.",
        "Set AGENT_ANALYTICS_PRICES to the path of a table",
    ),
    "a-misspelt-variable": (
        {"AGENT_ANALYTICS_METRIC_PORT": "9465"},
        "AGENT_ANALYTICS_METRIC_PORT is set and nothing reads it.",
        "Set AGENT_ANALYTICS_METRICS_PORT instead",
    ),
    # Further ones.
    "an-endpoint-of-traces-alone": (
        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "localhost:4317"},
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: expected http://host:port",
        "Set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT to http://",
    ),
    "http-without-scheme": (
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318/v1/traces",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        },
        "OTEL_EXPORTER_OTLP_ENDPOINT: expected http://host:port or https://host:port, got ",
        "Set OTEL_EXPORTER_OTLP_ENDPOINT to http://",
    ),
    "a-scheme-of-its-own": (
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "grpc://collector:4317"},
        "OTEL_EXPORTER_OTLP_ENDPOINT: expected http://host:port or https://host:port, got ",
        "Set OTEL_EXPORTER_OTLP_ENDPOINT to http://",
    ),
    "the-port-of-the-other-protocol": (
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"},
        "names port 4318, which is that of http/protobuf, and grpc is spoken.",
        "Set OTEL_EXPORTER_OTLP_PROTOCOL to http/protobuf",
    ),
    "a-protocol-that-nobody-speaks": (
        {
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
        },
        "OTEL_EXPORTER_OTLP_PROTOCOL: expected one of grpc, http/protobuf, got 'http/json'.",
        "Set OTEL_EXPORTER_OTLP_PROTOCOL to grpc or http/protobuf",
    ),
    "a-sampler-that-the-sdk-does-not-know": (
        {"OTEL_TRACES_SAMPLER": "sometimes"},
        "OTEL_TRACES_SAMPLER: Couldn't recognize sampler sometimes.",
        "Set OTEL_TRACES_SAMPLER to parentbased_always_on",
    ),
    "a-resource-of-no-pairs": (
        {"OTEL_RESOURCE_ATTRIBUTES": "team"},
        "OTEL_RESOURCE_ATTRIBUTES: Invalid key value resource attribute pair team",
        "Set OTEL_RESOURCE_ATTRIBUTES to key=value",
    ),
    "a-hold-of-no-number": (
        {"AGENT_ANALYTICS_HOLD_SECONDS": "30s"},
        "AGENT_ANALYTICS_HOLD_SECONDS: expected a number, got '30s'.",
        "Set AGENT_ANALYTICS_HOLD_SECONDS to 30",
    ),
    "an-expiry-below-zero": (
        {"AGENT_ANALYTICS_EXPIRE_SECONDS": "-1"},
        "expire_seconds: expected a number of seconds above 0, got -1.0.",
        "Set AGENT_ANALYTICS_EXPIRE_SECONDS to 604800",
    ),
    "a-web-config-that-is-not-there": (
        {"AGENT_ANALYTICS_WEB_CONFIG": "/nowhere/web.yml"},
        "web_config: cannot read /nowhere/web.yml",
        "Set AGENT_ANALYTICS_WEB_CONFIG to the path",
    ),
    "an-instrumentation-that-is-none": (
        {"AGENT_ANALYTICS_INSTRUMENT": "openaii"},
        "AGENT_ANALYTICS_INSTRUMENT",
        "Set AGENT_ANALYTICS_INSTRUMENT to true, false, or names",
    ),
    "a-publisher-that-cannot-be": (
        {"AGENT_ANALYTICS_PUBLISHER_ID": "_other"},
        "AGENT_ANALYTICS_PUBLISHER_ID: '_other' is what overflows is called",
        "Set AGENT_ANALYTICS_PUBLISHER_ID to an id",
    ),
    "a-listing-and-no-publisher": (
        {"AGENT_ANALYTICS_AGENT_ID": "finder"},
        "a listing, 'finder', is named and no publisher",
        "Set AGENT_ANALYTICS_PUBLISHER_ID to an id",
    ),
    "a-switch-that-is-none": (
        {"AGENT_ANALYTICS_PROPAGATE_IDENTITY": "maybe"},
        "AGENT_ANALYTICS_PROPAGATE_IDENTITY: expected true or false, got 'maybe'.",
        "to true or false",
    ),
    "workers-in-memory": (
        {"WEB_CONCURRENCY": "4"},
        "WEB_CONCURRENCY starts 4 workers and AGENT_ANALYTICS_STATE_DIR is not set",
        "Set AGENT_ANALYTICS_STATE_DIR",
    ),
    "a-state-directory-that-is-a-file": (
        {"AGENT_ANALYTICS_STATE_DIR": __file__},
        "is no directory.",
        "Make it",
    ),
    "a-host-that-is-none": (
        {"AGENT_ANALYTICS_METRICS_HOST": "no-such-host.invalid"},
        "AGENT_ANALYTICS_METRICS_HOST: ",
        "Set AGENT_ANALYTICS_METRICS_HOST to an address of this machine",
    ),
    "an-interface-of-another-machine": (
        {"AGENT_ANALYTICS_METRICS_HOST": "192.0.2.1"},
        "AGENT_ANALYTICS_METRICS_HOST: ",
        "Set AGENT_ANALYTICS_METRICS_HOST to an address of this machine",
    ),
    "a-switch-that-switches-nothing": (
        {"OTEL_SDK_DISABLED": "yes"},
        "OTEL_SDK_DISABLED: expected true or false, got 'yes'; nothing is disabled.",
        "Set OTEL_SDK_DISABLED to true",
    ),
    "a-limit-of-words": (
        {"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "long"},
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT must be a non-negative integer",
        "Correct OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    ),
    "a-detector-that-is-none": (
        {"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "nothing"},
        "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS: Failed to load resource detector 'nothing'",
        "Correct OTEL_EXPERIMENTAL_RESOURCE_DETECTORS",
    ),
    "a-delay-of-words": (
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317",
            "OTEL_BSP_SCHEDULE_DELAY": "soon",
        },
        "Unable to parse value for OTEL_BSP_SCHEDULE_DELAY",
        "Correct OTEL_BSP_SCHEDULE_DELAY",
    ),
    "a-timeout-of-words": (
        {
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "long",
        },
        "OTEL_EXPORTER_OTLP_* and OTEL_BSP_*: ",
        "Correct",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong(case: str, problems: Look) -> None:
    """A wrong setting is the one thing found, with what to set."""
    environment, wrong, remedy = WRONG[case]
    (found,) = problems(environment)
    assert wrong in found.wrong
    assert remedy in found.remedy


WELL: dict[str, dict[str, str]] = {
    "nothing-set": {},
    "all-set": {
        "AGENT_ANALYTICS_METRICS_PORT": "none",
        "AGENT_ANALYTICS_TAKE_RATE": '{"acme": 0.1, "*": 0.2}',
        "AGENT_ANALYTICS_HOLD_SECONDS": "10",
        "AGENT_ANALYTICS_PRICES": "none",
        "AGENT_ANALYTICS_PUBLISHER_ID": "acme",
        "AGENT_ANALYTICS_AGENT_ID": "finder",
        "AGENT_ANALYTICS_EXPIRE_SECONDS": "604800",
        "AGENT_ANALYTICS_NOT_ERRORS": "shop.Handover",
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.1",
        "OTEL_RESOURCE_ATTRIBUTES": "team=search",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317",
        "OTEL_EXPORTER_OTLP_HEADERS": "api-key=value",
        "OTEL_PYTHON_FLASK_EXCLUDED_URLS": "healthz",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true",
    },
    # gRPC's own ways to name a receiver, and one for whom TLS was decided on.
    "unix": {"OTEL_EXPORTER_OTLP_ENDPOINT": "unix:///run/collector.sock"},
    "decided": {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317",
        "OTEL_EXPORTER_OTLP_INSECURE": "true",
    },
    "http": {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    },
    "others": {"AGENT_SMITH": "1", "ANALYTICS_KEY": "2", "AGENTS": "3", "OTELCOL": "4"},
}


@pytest.mark.parametrize("case", WELL)
def test_what_is_well(
    case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is found where nothing is wrong, and what was looked at is said all the same."""
    for name, value in WELL[case].items():
        monkeypatch.setenv(name, value)
    assert main(ALONE) == 0
    said = capsys.readouterr().out
    assert said.startswith(
        f"Checked:\n  - agent-analytics as it is installed here: {core_in_use()}\n"
    )
    assert "\n  - the settings of this environment" in said
    assert "Not checked:\n  - the running service: --metrics says so" in said
    assert "Nothing is wrong in what was checked." in said


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("AGENT_ANALYTICS_PORT", "AGENT_ANALYTICS_METRICS_PORT"),
        ("AGENT_ANALYTICS_METRICSPORT", "AGENT_ANALYTICS_METRICS_PORT"),
        ("AGENTANALYTICS_TENANT_KEY", "AGENT_ANALYTICS_TENANT_KEY"),
        ("AGENT_ANALYTIC_TENANT_KEY", "AGENT_ANALYTICS_TENANT_KEY"),
        ("AGENTS_ANALYTICS_TENANT_KEY", "AGENT_ANALYTICS_TENANT_KEY"),
        ("AGNET_ANALYTICS_TENANT_KEY", "AGENT_ANALYTICS_TENANT_KEY"),
        ("agent_analytics_prices", "AGENT_ANALYTICS_PRICES"),
        ("AGENT-ANALYTICS-PRICES", "AGENT_ANALYTICS_PRICES"),
        ("AGENT_ANALYTICS_PUBLISHER", "AGENT_ANALYTICS_PUBLISHER_ID"),
        ("AGENT_ANALYTICS_STATE_DIRECTORY", "AGENT_ANALYTICS_STATE_DIR"),
        ("AGENT_ANALYTICS_SERVICE_NAME", "OTEL_SERVICE_NAME"),
        ("AGENT_ANALYTICS_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("AGENT_ANALYTICS_SAMPLER", "OTEL_TRACES_SAMPLER"),
        ("OTEL_SERVICE_NAMES", "OTEL_SERVICE_NAME"),
        ("OTEL_EXPORTER_OTLP_TRACE_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
        ("OTEL_EXPORTER_OTLP_ENDPIONT", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("AGENT_ANALYTICS_FROBNICATE", ""),
    ],
)
def test_names(given: str, meant: str) -> None:
    """Of a name that nothing reads, the nearest is named."""
    assert list(checks.misspelt([given, "PATH", "HOME"])) == [(given, meant)]


def test_every_variable_is_known() -> None:
    """Each variable that docs/configuration.md names is one that is not misspelt."""
    root = Path(__file__).parents[2]
    named = set(
        re.findall(
            r"`((?:AGENT_ANALYTICS|OTEL)_[A-Z_]+[A-Z])`",
            (root / "docs" / "configuration.md").read_text("utf-8"),
        )
    )
    assert len(named) > 30
    assert list(checks.misspelt(named)) == []


def test_the_start_names_a_misspelt_variable(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """configure() says it too, once, and of an endpoint that cannot be used; metrics go on."""
    monkeypatch.setenv("AGENT_ANALYTICS_HOLD_SECOND", "0")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "user:hidden@collector:4318")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    configure(metrics_port=None).shutdown()
    said = [each.getMessage() for each in caplog.records if each.name == "agent_analytics"]
    assert said == [
        (
            "agent-analytics: AGENT_ANALYTICS_HOLD_SECOND is set and nothing reads it: set "
            "AGENT_ANALYTICS_HOLD_SECONDS"
        ),
        (
            "agent-analytics: OTEL_EXPORTER_OTLP_ENDPOINT: expected http://host:port or "
            "https://host:port, got '…@collector:4318'"
        ),
    ]


SECRETS = {
    "AGENT_ANALYTICS_TENANT_KEY": "tenant-s3cret",
    "AGENT_ANALYTICS_PROMETHEUS": "http://prom:prom-s3cret@127.0.0.1:9",
    "AGENT_ANALYTICS_PROMETHEUS_AUTHORIZATION": "Bearer bearer-s3cret",
    "OTEL_EXPORTER_OTLP_HEADERS": "api-key=header-s3cret,bare-s3cret",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "user:endpoint-s3cret@collector:4317",
    "AGENT_ANALYTICS_METRICS_PORT": "tenant-s3cret",
}


def test_no_password_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever is wrong, and whoever says so, no secret of the environment is printed."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    assert main(["doctor", "--metrics", "http://me:metrics-s3cret@127.0.0.1:9/metrics"]) == 1
    said = capsys.readouterr()
    assert "s3cret" not in said.out + said.err
    assert "collector:4317" in said.out
    assert "AGENT_ANALYTICS_METRICS_PORT: expected a port" in said.out


def test_the_order_of_what_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was checked comes first, then what is wrong, and below each what to set."""
    monkeypatch.setenv("AGENT_ANALYTICS_TAKE_RATE", "20")
    assert main(ALONE) == 1
    lines = capsys.readouterr().out.splitlines()
    titles = [line for line in lines if not line.startswith(" ") and line]
    assert titles == ["Checked:", "Not checked:", "Wrong (1), each with what to set or do:"]
    at = next(n for n, line in enumerate(lines) if line.startswith("  1. "))
    assert lines[at + 1].startswith("     -> Set AGENT_ANALYTICS_TAKE_RATE to ")


def test_a_port_that_somebody_else_has(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What answers at the port of the settings and is no service of ours is named as that."""
    program = """
import http.server
server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
print(server.server_port, flush=True)
server.serve_forever()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as other:
        assert other.stdout is not None
        port = other.stdout.readline().strip()
        monkeypatch.setenv("AGENT_ANALYTICS_METRICS_PORT", port)
        assert main(["doctor", "--prometheus", "none"]) == 1
        other.terminate()
    said = capsys.readouterr().out
    assert f"http://127.0.0.1:{port}/metrics does not answer: HTTP 404" in said


def test_nothing_is_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The doctor takes no port and makes no directory."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("AGENT_ANALYTICS_METRICS_PORT", str(port))
    monkeypatch.setenv("AGENT_ANALYTICS_STATE_DIR", str(tmp_path / "state"))
    found = examine(None, "none")
    assert any("nothing answers at http://127.0.0.1:" in each for each in found.unchecked)
    assert not (tmp_path / "state").exists()
    socket.create_server(("127.0.0.1", port)).close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"OTEL_PROPAGATORS": "nothing"},
        {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "-4"},
        {"OTEL_PYTHON_TRACER_PROVIDER": "nothing"},
        {"OTEL_PROPAGATORS": "nothing", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "many"},
    ],
    ids=str,
)
def test_what_ends_a_program_at_its_imports(wrong: dict[str, str]) -> None:
    """The doctor outlives settings with which OpenTelemetry cannot be loaded, and names them."""
    environment = {**os.environ, **FINE, **wrong, "OTEL_SERVICE_NAME": "shop"}
    done = subprocess.run(
        [sys.executable, "-m", "agent_analytics.cli", *ALONE], capture_output=True, text=True,
        timeout=patience(), check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert f"Wrong ({len(wrong)})" in done.stdout
    for name in wrong:
        assert f"{name}: a program with this setting ends as it loads" in done.stdout
    assert done.stderr == ""


def test_the_command_itself() -> None:
    """The exit status tells a script, and the installed program is the same."""
    environment = {**os.environ, **FINE, "AGENT_ANALYTICS_METRICS_PORT": "abc"}
    done = subprocess.run(
        [sys.executable, "-m", "agent_analytics.cli", *ALONE], capture_output=True, text=True,
        timeout=patience(), check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 1
    assert "got 'abc'" in done.stdout
    assert done.stderr == ""
