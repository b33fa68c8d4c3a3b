"""configure(): settings, their errors, one runtime after another, and nothing left behind."""

import inspect
import re
import socket
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import propagate, trace
from opentelemetry.sdk import trace as trace_sdk
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from tests import forked
from tests.exporters.conftest import record
from tests.patience import patience, wait_for

from agent_analytics.exporters import Runtime, configure, exposition

SUCCESSES = (
    'marketplace_agent_invocations_total{publisher_id="acme",agent_id="finder",outcome="success"} '
)


def counted(runtime: Runtime) -> int:
    """Return how many successful invocations the runtime has counted."""
    for line in exposition(runtime.processor)[0].decode().splitlines():
        if line.startswith(SUCCESSES):
            return int(line.removeprefix(SUCCESSES))
    return 0


def run(code: str) -> str:
    """Return what a Python program prints in a process of its own."""
    found = forked.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True,
        timeout=patience(), check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    return found.stdout + found.stderr


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Fail a test that leaves a thread of ours, a span processor or a propagator."""
    propagator = propagate.get_global_textmap()
    threads = threading.active_count()
    yield
    # What rendered the last answer ends by itself, after its reader has it.
    wait_for(lambda: threading.active_count() == threads, "every thread of ours to end")
    assert propagate.get_global_textmap() is propagator


class TestRuntime:
    """What configure() returns."""

    def test_the_metrics_are_served(self) -> None:
        """Spans of the global provider are counted and served."""
        with configure("shop", 0, hold_seconds=0) as runtime:
            record(trace.get_tracer("test"), 3)
            assert runtime.server is not None
            with urllib.request.urlopen(
                f"{runtime.server.url}/metrics", timeout=patience()
            ) as response:
                assert f"{SUCCESSES}3\n" in response.read().decode()
            assert runtime.metrics_port == runtime.server.port
            assert runtime.provider is trace.get_tracer_provider()
            assert runtime.provider.resource.attributes["service.name"] == "shop"

    def test_no_server(self) -> None:
        """metrics_port=None starts no server, and flushing needs no exporter."""
        with configure(metrics_port=None) as runtime:
            assert (runtime.server, runtime.metrics_port) == (None, None)
            assert runtime.force_flush()

    def test_one_after_another(self) -> None:
        """Each runtime counts its own time, with tracers that were made before, too."""
        tracer = trace.get_tracer("kept")
        runtimes = list[Runtime]()
        for count in (1, 2, 3):
            with configure(f"shop-{count}", metrics_port=None, hold_seconds=0) as runtime:
                record(tracer, count)
            record(tracer, 10)
            runtimes.append(runtime)
            assert runtime.provider.resource.attributes["service.name"] == f"shop-{count}"
        assert [counted(runtime) for runtime in runtimes] == [1, 2, 3]

    def test_processors_of_the_users_stay(self) -> None:
        """What the user adds to the provider is not taken away with the runtime."""
        seen: list[str] = []

        class Listener(trace_sdk.SpanProcessor):
            def on_end(self, span: trace_sdk.ReadableSpan) -> None:
                seen.append(span.name)

        with configure(metrics_port=None) as runtime:
            runtime.provider.add_span_processor(Listener())
        trace.get_tracer("test").start_span("later").end()
        assert seen == ["later"]

    def test_only_one_at_a_time(self) -> None:
        """A second runtime is refused until the first is shut down, which may be repeated."""
        runtime = configure(metrics_port=None)
        with pytest.raises(RuntimeError, match=r"call shutdown\(\) of its runtime first"):
            configure(metrics_port=None)
        runtime.shutdown()
        runtime.shutdown()
        configure(metrics_port=None).shutdown()

    def test_an_old_runtime_does_not_end_a_new_one(self) -> None:
        """Shutting a runtime down twice leaves its successor alone."""
        old = configure(metrics_port=None)
        old.shutdown()
        with configure(metrics_port=None, hold_seconds=0) as new:
            old.shutdown()
            record(trace.get_tracer("test"))
            with pytest.raises(RuntimeError):
                configure(metrics_port=None)
        assert counted(new) == 1

    def test_a_known_key_is_pointed_out(self, caplog: pytest.LogCaptureFixture) -> None:
        """Without a tenant key one hint names the variable; with one there is none."""
        configure(metrics_port=None).shutdown()
        assert caplog.text.count("AGENT_ANALYTICS_TENANT_KEY") == 1
        caplog.clear()
        configure(metrics_port=None, tenant_key="secret").shutdown()
        assert caplog.text == ""

    def test_the_port_of_a_dead_runtime_is_free(self) -> None:
        """The next runtime may serve on the same port."""
        with configure(metrics_port=0) as runtime:
            port = runtime.metrics_port
        with configure(metrics_port=port) as runtime:
            assert runtime.metrics_port == port

    def test_disabled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """OTEL_SDK_DISABLED records nothing, and the target stays up."""
        monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
        with configure(metrics_port=0, hold_seconds=0) as runtime:
            record(trace.get_tracer("test"))
            assert counted(runtime) == 0
            assert runtime.server is not None
            with urllib.request.urlopen(
                f"{runtime.server.url}/metrics", timeout=patience()
            ) as response:
                assert response.status == 200


class TestSampling:
    """Sampling never changes a metric."""

    def test_everything_is_counted(self) -> None:
        """With a sampler that drops every trace every invocation is counted."""
        with configure(metrics_port=None, hold_seconds=0, sampler=ALWAYS_OFF) as runtime:
            record(trace.get_tracer("test"), 50)
            assert counted(runtime) == 50

    def test_the_environments_sampler(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """OTEL_TRACES_SAMPLER decides which spans are sampled, not which are counted."""
        monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
        with configure(metrics_port=None, hold_seconds=0) as runtime:
            span = trace.get_tracer("test").start_span("x")
            record(trace.get_tracer("test"), 5)
            assert counted(runtime) == 5
            assert span.is_recording()
            assert not span.get_span_context().trace_flags.sampled

    @pytest.mark.parametrize(("share", "sampled"), [(0, False), (1, True), (1.0, True)])
    def test_a_share(self, share: float, sampled: bool) -> None:  # noqa: FBT001 - parametrized
        """A number as sampler is the share of traces, whatever the environment says."""
        with configure(metrics_port=None, sampler=share):
            span = trace.get_tracer("test").start_span("x")
            assert span.get_span_context().trace_flags.sampled is sampled


class TestSettings:
    """Arguments, environment variables and defaults."""

    def test_published_signature(self) -> None:
        """The first five arguments may be given by position, in the published order."""
        assert list(inspect.signature(configure).parameters)[:5] == [
            "service_name",
            "metrics_port",
            "otlp_endpoint",
            "state_dir",
            "hold_seconds",
        ]

    def test_from_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each variable takes effect."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        monkeypatch.setenv("OTEL_SERVICE_NAME", "of-environment")
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "team=search")
        monkeypatch.setenv("AGENT_ANALYTICS_METRICS_PORT", str(port))
        monkeypatch.setenv("AGENT_ANALYTICS_METRICS_HOST", "0.0.0.0")  # noqa: S104 - the test
        monkeypatch.setenv("AGENT_ANALYTICS_HOLD_SECONDS", "0")
        monkeypatch.setenv("AGENT_ANALYTICS_TENANT_KEY", "secret")
        monkeypatch.setenv("AGENT_ANALYTICS_TAKE_RATE", "0.25")
        with configure() as runtime:
            assert runtime.metrics_port == port
            attributes = runtime.provider.resource.attributes
            assert (attributes["service.name"], attributes["team"]) == ("of-environment", "search")
            record(trace.get_tracer("test"), 2)
            assert counted(runtime) == 2
            charge(0.4)
            assert fees(runtime) == "0.1"

    def test_arguments_beat_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An argument that is given counts, None included, however wrong the variable is."""
        for variable in ("METRICS_PORT", "HOLD_SECONDS", "TAKE_RATE", "PROPAGATE_IDENTITY"):
            monkeypatch.setenv(f"AGENT_ANALYTICS_{variable}", "wrong")
        monkeypatch.setenv("AGENT_ANALYTICS_STATE_DIR", "/nowhere")
        monkeypatch.setenv("AGENT_ANALYTICS_WEB_CONFIG", "/nowhere")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "wrong")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "of-environment")
        with configure(
            "of-argument",
            metrics_port=None,
            otlp_endpoint=None,
            state_dir=None,
            hold_seconds=0,
            otlp_protocol="grpc",
            take_rate={"acme": 0.5, "*": 0.1},
            propagate_identity=False,
            web_config=None,
        ) as runtime:
            assert runtime.provider.resource.attributes["service.name"] == "of-argument"
            charge(2)
            assert fees(runtime) == "1.0"

    def test_take_rate_by_publisher(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The variable may be JSON with a share for each publisher."""
        monkeypatch.setenv("AGENT_ANALYTICS_TAKE_RATE", '{"acme": 0.2, "*": 0.9}')
        with configure(metrics_port=None, hold_seconds=0) as runtime:
            charge(1)
            assert fees(runtime) == "0.2"

    def test_no_server_by_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The word none in the variable means no server."""
        monkeypatch.setenv("AGENT_ANALYTICS_METRICS_PORT", "none")
        with configure() as runtime:
            assert runtime.server is None

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"metrics_port": 70000}, "metrics_port: expected a port .*, got 70000"),
            ({"metrics_port": -1}, "metrics_port: .*, got -1"),
            ({"metrics_port": True}, "metrics_port: .*, got True"),
            ({"metrics_port": "80"}, "metrics_port: .*, got '80'"),
            ({"hold_seconds": -1}, "hold_seconds: .*, got -1"),
            ({"hold_seconds": float("nan")}, "hold_seconds: .*, got nan"),
            ({"otlp_protocol": "ftp"}, "otlp_protocol: expected one of .*, got 'ftp'"),
            ({"otlp_endpoint": "collector:4317"}, "otlp_endpoint: .*, got 'collector:4317'"),
            ({"otlp_endpoint": "http://"}, "otlp_endpoint: .*, got 'http://'"),
            ({"otlp_endpoint": "http://a:99999"}, "otlp_endpoint: .*, got 'http://a:99999'"),
            ({"sampler": 1.5}, "sampler: .*, got 1.5"),
            ({"sampler": "always_on"}, "sampler: .*, got 'always_on'"),
            ({"take_rate": 2}, "take_rate: .*, got 2"),
            ({"tenant_key": ""}, "tenant_key: "),
            ({"state_dir": ""}, "state_dir: .*, got ''"),
            ({"web_config": "/nowhere.yml"}, "web_config: cannot read /nowhere.yml"),
        ],
    )
    def test_bad_arguments(self, arguments: dict[str, object], message: str) -> None:
        """A wrong argument is a ValueError that names it, and nothing has been started."""
        with pytest.raises(ValueError, match=message):
            configure(**{"metrics_port": 0, **arguments})  # type: ignore[arg-type]
        configure(metrics_port=None).shutdown()

    @pytest.mark.parametrize(
        ("variable", "value"),
        [
            ("AGENT_ANALYTICS_METRICS_PORT", "http"),
            ("AGENT_ANALYTICS_METRICS_PORT", "70000"),
            ("AGENT_ANALYTICS_HOLD_SECONDS", "soon"),
            ("AGENT_ANALYTICS_HOLD_SECONDS", "-1"),
            ("AGENT_ANALYTICS_HOLD_SECONDS", "nan"),
            ("AGENT_ANALYTICS_TAKE_RATE", "half"),
            ("AGENT_ANALYTICS_TAKE_RATE", "1.5"),
            ("AGENT_ANALYTICS_TAKE_RATE", '{"acme": "x"}'),
            ("AGENT_ANALYTICS_PROPAGATE_IDENTITY", "maybe"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "ftp"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
        ],
    )
    def test_bad_variables(
        self, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
    ) -> None:
        """A variable that cannot be read is a ValueError that names it and its value."""
        monkeypatch.setenv(variable, value)
        with pytest.raises(ValueError, match=f"^{variable}: expected .*, got ") as caught:
            configure(**{} if "PORT" in variable else {"metrics_port": None})  # type: ignore[arg-type]
        assert value in str(caught.value).replace("-1.0", "-1")

    @pytest.mark.parametrize("value", ["", "  "])
    def test_empty_variables_are_unset(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        """An empty variable is none."""
        for name in ("HOLD_SECONDS", "TAKE_RATE", "TENANT_KEY", "STATE_DIR", "WEB_CONFIG"):
            monkeypatch.setenv(f"AGENT_ANALYTICS_{name}", value)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", value)
        configure(metrics_port=None).shutdown()

    def test_port_in_use(self) -> None:
        """A port in use is an OSError that names it and what takes another; nothing has started."""
        with (
            socket.create_server(("127.0.0.1", 0)) as taken,
            pytest.raises(
                OSError, match=f"port {taken.getsockname()[1]}: Address already in use"
            ) as refused,
        ):
            configure(metrics_port=taken.getsockname()[1], otlp_endpoint="http://127.0.0.1:1")
        said = str(refused.value)
        assert "metrics_port or AGENT_ANALYTICS_METRICS_PORT takes another port" in said
        # One traceback: the message says all that those of the socket do.
        assert refused.value.__suppress_context__
        assert "AGENT_ANALYTICS_STATE_DIR" in said
        assert any("agent-analytics doctor" in each for each in refused.value.__notes__)
        configure(metrics_port=None).shutdown()

    def test_port_in_use_beside_a_state_directory(self, tmp_path: Path) -> None:
        """Where none of the directory's workers serves, the port is somebody else's."""
        with (
            socket.create_server(("127.0.0.1", 0)) as taken,
            pytest.raises(OSError, match="by none of the workers of this state dir") as refused,
        ):
            configure(metrics_port=taken.getsockname()[1], state_dir=str(tmp_path))
        assert "AGENT_ANALYTICS_METRICS_PORT takes another port" in str(refused.value)
        assert "Several workers" not in str(refused.value)

    @pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
    def test_an_interface_that_is_not_there(self, host: str) -> None:
        """The setting that names another one is said."""
        with pytest.raises(OSError, match="AGENT_ANALYTICS_METRICS_HOST takes another"):
            configure(metrics_port=0, metrics_host=host)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"metrics_port": 70_000},
            {"take_rate": 20},
            {"prices": "/nowhere/prices.json"},
            {"web_config": "/nowhere/web.yml", "metrics_port": 0},
            {"otlp_endpoint": "collector:4317"},
        ],
        ids=str,
    )
    def test_an_error_says_who_says_more(self, wrong: dict[str, Any]) -> None:
        """Below the message of a wrong setting stands the command that checks all of them."""
        given: dict[str, Any] = {"metrics_port": None, **wrong}
        with pytest.raises(ValueError, match=r": ") as refused:
            configure(**given)
        assert refused.value.__notes__ == [
            "`agent-analytics doctor` checks every setting and says what to set"
        ]

    def test_the_table_of_variables(self) -> None:
        """docs/configuration.md names every variable that the code reads, and no other of ours."""
        root = Path(__file__).parents[3]
        table = (root / "docs" / "configuration.md").read_text()
        sources = "".join(path.read_text() for path in (root / "exporters").rglob("*.py"))
        for prefix in ("AGENT_ANALYTICS_", "OTEL_"):
            read = set(re.findall(rf'"({prefix}[A-Z_]+)"', sources))
            told = set(re.findall(rf"`({prefix}[A-Z_]+)`", table))
            assert read
            assert read <= told
        assert set(re.findall(r"AGENT_ANALYTICS_[A-Z_]+", table)) <= set(
            re.findall(r"AGENT_ANALYTICS_[A-Z_]+", sources)
        )


class TestProvidersOfUsers:
    """A provider that the user has set stays the user's; each in a process of its own."""

    SETUP = (
        "from opentelemetry import trace\n"
        "from opentelemetry.sdk.trace import TracerProvider\n"
        "from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON\n"
        "from agent_analytics.exporters import configure, exposition\n"
        "def record(tracer):\n"
        "    tracer.start_span('x', attributes={\n"
        "        'gen_ai.operation.name': 'invoke_agent', 'marketplace.publisher.id': 'acme',\n"
        "        'marketplace.agent.id': 'finder', 'marketplace.outcome': 'success'}).end()\n"
        "def counted(runtime):\n"
        "    body = exposition(runtime.processor)[0].decode()\n"
        "    return [line[-1] for line in body.splitlines()\n"
        "        if line.startswith('marketplace_agent_invocations_total')"
        " and 'success' in line]\n"
    )

    def test_it_is_attached_to(self) -> None:
        """Tracers made before and after are counted while the runtime lives, then left alone."""
        out = run(
            self.SETUP + "provider = TracerProvider(sampler=ALWAYS_OFF)\n"
            "trace.set_tracer_provider(provider)\n"
            "before = trace.get_tracer('before')\n"
            "for _ in range(2):\n"
            "    runtime = configure(metrics_port=None, hold_seconds=0, tenant_key='k')\n"
            "    assert runtime.provider is provider\n"
            "    after = trace.get_tracer('after')\n"
            "    record(before); record(after)\n"
            "    sampled = after.start_span('y').get_span_context().trace_flags.sampled\n"
            "    runtime.shutdown()\n"
            "    record(before); record(after)\n"
            "    print(counted(runtime), sampled, provider.sampler is ALWAYS_OFF,\n"
            "        before.sampler is ALWAYS_OFF, after.sampler is ALWAYS_OFF)\n"
        )
        assert out == "['2'] False True True True\n" * 2

    def test_its_sampler_may_be_replaced(self) -> None:
        """A sampler that is given counts for a provider of the user's, too."""
        out = run(
            self.SETUP + "trace.set_tracer_provider(TracerProvider(sampler=ALWAYS_OFF))\n"
            "with configure(metrics_port=None, sampler=ALWAYS_ON, tenant_key='k'):\n"
            "    span = trace.get_tracer('x').start_span('y')\n"
            "    print(span.get_span_context().trace_flags.sampled)\n"
        )
        assert out == "True\n"

    def test_its_resource_cannot_be(self) -> None:
        """A service name that has no effect is pointed out."""
        out = run(
            self.SETUP + "trace.set_tracer_provider(TracerProvider())\n"
            "configure('shop', metrics_port=None, tenant_key='k').shutdown()\n"
        )
        assert "service_name 'shop' is not used" in out

    def test_one_without_processors_is_refused(self) -> None:
        """A provider that is none of the SDK's is named in the error, and nothing is left."""
        out = run(
            self.SETUP + "trace.set_tracer_provider(trace.NoOpTracerProvider())\n"
            "import threading\n"
            "try:\n"
            "    configure(metrics_port=0, tenant_key='k')\n"
            "except RuntimeError as error:\n"
            "    print(error, threading.active_count())\n"
        )
        assert "NoOpTracerProvider, takes no span processor" in out
        assert out.endswith(" 1\n")

    def test_one_that_cannot_be_wrapped_is_pointed_out(self) -> None:
        """Where the sampler cannot be reached a warning says what will be missing."""
        out = run(
            self.SETUP + "class Foreign(trace.NoOpTracerProvider):\n"
            "    resource = TracerProvider().resource\n"
            "    def add_span_processor(self, processor): pass\n"
            "trace.set_tracer_provider(Foreign())\n"
            "configure(metrics_port=None, tenant_key='k').shutdown()\n"
        )
        assert "Foreign, cannot be wrapped" in out


def charge(usd: float) -> None:
    """Record a charge of publisher acme."""
    trace.get_tracer("test").start_span(
        "marketplace.charge",
        attributes={
            "marketplace.event": "charge",
            "marketplace.publisher.id": "acme",
            "marketplace.agent.id": "finder",
            "marketplace.revenue.usd": usd,
        },
    ).end()


def fees(runtime: Runtime) -> str:
    """Return the fees of publisher acme, as exposed."""
    name = 'marketplace_agent_fees_usd_total{publisher_id="acme",agent_id="finder"} '
    for line in exposition(runtime.processor)[0].decode().splitlines():
        if line.startswith(name):
            return line.removeprefix(name)
    return ""
