"""Export of spans to real OTLP receivers, over gRPC and HTTP."""

import socket
import sys
import threading
import time

import pytest
from opentelemetry import trace
from tests import forked
from tests.exporters.conftest import Received, record
from tests.patience import patience

from agent_analytics.exporters import configure, exposition


def test_grpc(grpc_receiver: Received) -> None:
    """Every sampled span reaches the receiver, with its service's name."""
    with configure(
        "shop", metrics_port=None, otlp_endpoint=grpc_receiver.url, sampler=1
    ) as runtime:
        record(trace.get_tracer("test"), 25)
        assert runtime.force_flush()
        assert len(grpc_receiver.spans) == 25
    assert grpc_receiver.services == {"shop"}


def test_http(http_receiver: Received) -> None:
    """A base URL is enough: the path of traces is added."""
    with configure(
        "shop",
        metrics_port=None,
        otlp_endpoint=http_receiver.url,
        otlp_protocol="http/protobuf",
        sampler=1,
    ):
        record(trace.get_tracer("test"), 25)
    assert len(http_receiver.spans) == 25
    assert http_receiver.services == {"shop"}


def test_http_with_the_whole_path(http_receiver: Received) -> None:
    """A URL that has the path of traces already is taken as it is."""
    with configure(
        metrics_port=None,
        otlp_endpoint=f"{http_receiver.url}/v1/traces",
        otlp_protocol="http/protobuf",
        sampler=1,
    ):
        record(trace.get_tracer("test"))
    assert len(http_receiver.spans) == 1


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_from_the_environment(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    """The standard variables are enough, headers included."""
    fixture = "grpc_receiver" if protocol == "grpc" else "http_receiver"
    receiver: Received = request.getfixturevalue(fixture)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=abc")
    with configure(metrics_port=None, sampler=1):
        record(trace.get_tracer("test"), 3)
    assert len(receiver.spans) == 3
    assert receiver.headers["x-key"] == "abc"


@pytest.mark.parametrize(
    ("exporter", "exported"),
    [("none", 0), ("none,otlp", 0), ("otlp", 1), ("console", 0), ("console,otlp", 1)],
)
def test_exporter_variable(
    http_receiver: Received, monkeypatch: pytest.MonkeyPatch, exporter: str, exported: int
) -> None:
    """OTEL_TRACES_EXPORTER switches the export off and on."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{http_receiver.url}/v1/traces")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", exporter)
    with configure(metrics_port=None, sampler=1):
        record(trace.get_tracer("test"))
    assert len(http_receiver.spans) == exported


def test_nothing_is_exported_unless_asked_for() -> None:
    """Without an endpoint there is no exporter and no thread of one."""
    before = set(threading.enumerate())
    with configure(metrics_port=None):
        names = [thread.name for thread in threading.enumerate() if thread not in before]
        # It looks whether spans arrive, for a while after the start.
        assert names == ["agent-analytics-watch"]


def test_sampling_decides_on_the_export_alone(grpc_receiver: Received) -> None:
    """Of 10,000 invocations at 1 % all are counted and about 100 are exported."""
    tracer = trace.get_tracer("test")
    with configure(
        metrics_port=None, otlp_endpoint=grpc_receiver.url, sampler=0.01, hold_seconds=0
    ) as runtime:
        for _ in range(10):
            record(tracer, 1000)
            assert runtime.force_flush()
        body = exposition(runtime.processor)[0].decode()
    assert 'agent_id="finder",outcome="success"} 10000\n' in body
    # Binomial: mean 100, standard deviation 10; six of them on either side.
    assert 40 < len(grpc_receiver.spans) < 160


def test_a_flush_has_its_time() -> None:
    """With a receiver that accepts and never answers a flush returns False when its time is up."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        code = (
            "import os, time\n"
            "from opentelemetry import trace\n"
            "from agent_analytics.exporters import configure\n"
            f"runtime = configure(metrics_port=None, otlp_endpoint={url!r}, tenant_key='k')\n"
            "trace.get_tracer('x').start_span('y').end()\n"
            "begin = time.monotonic()\n"
            "flushed = runtime.force_flush(0.2)\n"
            f"print(flushed, time.monotonic() - begin < {patience(5)}, flush=True)\n"
            "os._exit(0)\n"
        )
        found = forked.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            timeout=patience(),
        )
    assert found.stdout == "False True\n"


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
@pytest.mark.parametrize("ending", ["pass", "sys.exit(0)", "raise RuntimeError('x')"])
def test_spans_ended_just_before_the_exit_arrive(
    request: pytest.FixtureRequest, protocol: str, ending: str
) -> None:
    """However a program ends, short of being killed, its last spans are exported."""
    fixture = "grpc_receiver" if protocol == "grpc" else "http_receiver"
    receiver: Received = request.getfixturevalue(fixture)
    settings = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
    }
    code = (
        f"import os, sys; os.environ.update({settings})\n"
        "from opentelemetry import trace\n"
        "from agent_analytics.exporters import configure\n"
        "configure('last', metrics_port=0)\n"
        "trace.get_tracer('x').start_span('the end').end()\n"
        f"{ending}\n"
    )
    begin = time.monotonic()
    forked.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=patience())
    assert [span.name for span in receiver.spans] == ["the end"]
    assert receiver.services == {"last"}
    assert time.monotonic() - begin < patience(30)
