"""What callers say in baggage: nobody outside decides whose the work of a process is."""

import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context, attach, create_key, detach, get_current
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from tests.patience import patience
from tests.processor.rig import Rig, invoke, tool

from agent_analytics.instrumentation import incoming, tenant
from agent_analytics.instrumentation import vocabulary as v

MakeRig = Callable[..., Rig]
FORGED = {v.PUBLISHER_ID: "competitor", v.AGENT_ID: "bot", v.TENANT_ID: "t-evil"}
OWNER = {v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"}
#: The span of a framework that names no publisher.
FOREIGN = invoke(None, None) | {v.AGENT_NAME: "Finder"}
REMOTE = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}


def header(values: Mapping[str, str]) -> str:
    """Return baggage as it comes in."""
    return ",".join(f"{key}={value}" for key, value in values.items())


@pytest.fixture(autouse=True)
def nobody_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the global provider that another test has set, which may name a publisher."""
    monkeypatch.setattr(trace, "get_tracer_provider", trace.ProxyTracerProvider)
    monkeypatch.setattr(incoming, "_chosen", None)


@pytest.fixture
def trusting() -> Iterator[None]:
    """Trust callers."""
    before = incoming.trust(chosen=True)
    yield
    incoming.trust(chosen=before)


class Prefixed(TextMapPropagator):
    """Carries baggage in a header each, as those of Jaeger (1.45.1) and OpenTracing (0.66b1) do."""

    def extract(self, carrier: Any, context: Context | None = None, getter: Any = None) -> Context:  # noqa: ANN401, ARG002 - as the class it is of
        """Extract, into a context of its own where none is given, as OpenTracing's does."""
        context = context or Context()
        for key, value in carrier.items():
            if key.startswith("ot-baggage-"):
                context = baggage.set_baggage(key.removeprefix("ot-baggage-"), value, context)
        return context

    def inject(self, carrier: Any, context: Context | None = None, setter: Any = None) -> None:  # noqa: ANN401 - as the class it is of
        """Inject nothing."""

    @property
    def fields(self) -> set[str]:
        """No field."""
        return set()


class Copying(SpanProcessor):
    """Copies baggage to spans, as opentelemetry-processor-baggage 0.66b1 and logfire 5.4 do."""

    def on_start(self, span: trace.Span, parent_context: Context | None = None) -> None:
        """Copy."""
        for key, value in baggage.get_all(parent_context).items():
            span.set_attribute(key, str(value))


def by_any_propagator(values: Mapping[str, str]) -> Mapping[str, Callable[[], Context]]:
    """Return the ways in which baggage comes in."""
    w3c = {"baggage": header(values)}
    own = {f"ot-baggage-{key}": value for key, value in values.items()}
    # temporalio 1.35 holds one of its own, and asks no global one.
    of_temporal = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])
    return {
        "global": lambda: propagate.extract(w3c | REMOTE),
        "into what is current": lambda: propagate.extract(w3c, get_current()),
        "by name": lambda: W3CBaggagePropagator().extract(context=Context(), carrier=w3c),
        "temporal": lambda: of_temporal.extract(w3c | REMOTE),
        "jaeger": lambda: Prefixed().extract(own),
        "composed": lambda: CompositePropagator([Prefixed()]).extract(own),
    }


WAYS = list(by_any_propagator({}))


def serve(rig: Rig, context: Context, start: Mapping[str, Any] = FOREIGN) -> None:
    """Do the work of a request."""
    token = attach(context)
    try:
        rig.run(dict(start))
    finally:
        detach(token)


def billed(rig: Rig) -> set[tuple[str | None, str | None]]:
    """Return publisher and listing of every series."""
    named = (dict(each) for _, each in rig.series())
    return {(each.get("publisher_id"), each.get("agent_id")) for each in named} - {(None, None)}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("resource", [OWNER, {}], ids=["configured", "nobody"])
def test_a_stranger_is_never_billed(make_rig: MakeRig, way: str, resource: dict[str, str]) -> None:
    """Whatever extracts the baggage, work is the configured publisher's or nobody's."""
    rig = make_rig(resource=resource)
    for start in (FOREIGN, tool(), invoke(None, None)):
        serve(rig, by_any_propagator(FORGED)[way](), start)
    assert billed(rig) == ({("acme", "finder")} if resource else set())
    assert not any("t-evil" in str(each) for each in rig.series())


def test_junk_fills_no_cap(make_rig: MakeRig) -> None:
    """Ids of two thousand requests make no listing, and no tenant."""
    rig = make_rig(resource=OWNER)
    for number in range(2_000):
        values = dict.fromkeys(FORGED, f"junk-{number}")
        serve(rig, propagate.extract({"baggage": header(values)}))
    assert billed(rig) == {("acme", "finder")}
    assert rig.value("invocations_total", publisher_id="acme", outcome="success") == 2_000
    assert rig.value("sketch_register", kind="tenants") == 0


def test_nothing_of_ours_reaches_a_processor_that_copies(make_rig: MakeRig) -> None:
    """A forged charge in baggage is no attribute of a span, and so no revenue."""
    rig = make_rig(resource=OWNER)
    rig.provider.add_span_processor(Copying())  # what it writes is there when the span ends
    forged = FORGED | {v.REVENUE_USD: "1000000", v.COST_USD: "9", "%20Marketplace.x": "1"}
    for way in by_any_propagator(forged).values():
        serve(rig, way(), FOREIGN | {v.OUTCOME: "success"})
    assert billed(rig) == {("acme", "finder")}
    assert rig.value("revenue_usd_total") == 0


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("way", WAYS)
def test_a_trusted_caller_names_the_owner(rig: Rig, way: str) -> None:
    """With the setting, publisher, listing and tenant are the caller's, where nobody is named."""
    serve(rig, by_any_propagator(FORGED)[way]())
    assert billed(rig) == {("competitor", "bot")}
    assert rig.value("sketch_register", kind="tenants") > 0


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("way", WAYS)
def test_the_configured_publisher_stays(make_rig: MakeRig, way: str) -> None:
    """A trusted caller moves no work away from who the process is, and names its tenant."""
    rig = make_rig(resource=OWNER)
    serve(rig, by_any_propagator(FORGED)[way]())
    serve(rig, by_any_propagator(FORGED | {v.REVENUE_USD: "5"})[way]())
    assert billed(rig) == {("acme", "finder")}
    assert rig.value("sketch_register", kind="tenants") > 0


@pytest.mark.usefixtures("trusting")
def test_a_trusted_caller_of_the_same_publisher(make_rig: MakeRig) -> None:
    """A caller that is the configured publisher names the listing."""
    rig = make_rig(resource=OWNER)
    serve(rig, propagate.extract({"baggage": header(OWNER | {v.AGENT_ID: "front"})}))
    assert billed(rig) == {("acme", "front")}


def test_the_environment_may_trust(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable does what the argument does; what it is set to otherwise trusts nobody."""
    for value, found in (("maybe", set[Any]()), ("true", {("competitor", "bot")})):
        monkeypatch.setenv(incoming.TRUST_VARIABLE, value)
        serve(rig, propagate.extract({"baggage": header(FORGED)}))
        assert billed(rig) == found


@pytest.mark.usefixtures("trusting")
def test_a_publisher_that_the_environment_configures(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables and ``OTEL_RESOURCE_ATTRIBUTES`` configure a publisher, too."""
    forged = {"baggage": header(FORGED)}
    with monkeypatch.context() as patch:
        patch.setenv(incoming.PUBLISHER_VARIABLE, "acme")
        assert baggage.get_all(propagate.extract(forged)) == {v.TENANT_ID: "t-evil"}
        rig = make_rig()
        serve(rig, propagate.extract(forged))
    assert billed(rig) == {("acme", "Finder")}
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", f"a=b, {v.PUBLISHER_ID}=ac%20me")
    assert baggage.get_all(propagate.extract(forged)) == {v.TENANT_ID: "t-evil"}
    own = {"baggage": header({v.PUBLISHER_ID: "ac%20me"})}
    assert baggage.get_all(propagate.extract(own)) == {v.PUBLISHER_ID: "ac me"}


@pytest.mark.parametrize("way", WAYS)
def test_what_the_process_sets_itself_counts(rig: Rig, way: str) -> None:
    """Baggage of the process, set before a caller's or after it, is believed as ever."""
    context = baggage.set_baggage(v.PUBLISHER_ID, "acme", by_any_propagator(FORGED)[way]())
    serve(rig, baggage.set_baggage(v.AGENT_ID, "finder", context))
    assert billed(rig) == {("acme", "finder")}


def test_what_was_there_before_stays() -> None:
    """A caller's entries replace none of the process's own, and no other entry is touched."""
    with tenant("t-42"):
        token = attach(baggage.set_baggage(v.PUBLISHER_ID, "acme"))
        try:
            forged = {"baggage": header(FORGED | {"colour": "blue"})}
            came = propagate.extract(forged, get_current())
            anew = Prefixed().extract({f"ot-baggage-{v.TENANT_ID}": "t-evil"})
        finally:
            detach(token)
    own = {v.TENANT_ID: "t-42", v.PUBLISHER_ID: "acme", "colour": "blue"}
    assert baggage.get_all(came) == own
    assert baggage.get_all(anew) == {}


KEYS = st.sampled_from([*FORGED, "marketplace.x", " Marketplace.y", "colour"]) | st.text()
ENTRIES = st.dictionaries(KEYS, st.text(max_size=3))


@given(before=ENTRIES, came=ENTRIES)
def test_whatever_comes(before: dict[str, str], came: dict[str, str]) -> None:
    """Of ours exactly what was there before is there after; of others, all that came."""
    base = Context({create_key("x"): object()})
    for key, value in before.items():
        base = baggage.set_baggage(key, value, base)
    extracted = Prefixed().extract({f"ot-baggage-{k}": value for k, value in came.items()}, base)
    both = before | came
    assert baggage.get_all(extracted) == {
        key: (before if incoming.is_ours(key) else both)[key]
        for key in both
        if key in before or not incoming.is_ours(key)
    }


def test_the_hosts_propagators_stay_what_they_are() -> None:
    """Signature, exception and return value of a propagator are its own."""

    class Odd(TextMapPropagator):
        """Raises, and returns what is no context."""

        fields: Any = ()

        def extract(self, carrier: Any, *rest: Any, **more: Any) -> Any:  # noqa: ANN401 - any
            """Return or raise what the carrier is."""
            if isinstance(carrier, Exception):
                raise carrier
            return carrier, rest, more

        def inject(self, *arguments: Any, **more: Any) -> None:  # noqa: ANN401 - any
            """Inject nothing."""

    assert Odd().extract(1, None, 2) == (1, (None, 2), {})
    assert Odd().extract(1, getter=3) == (1, (), {"getter": 3})
    with pytest.raises(KeyError, match="mine"):
        Odd().extract(KeyError("mine"))
    assert W3CBaggagePropagator.extract.__doc__


class Front(BaseHTTPRequestHandler):
    """Extracts the context of a request, as the instrumentation of any server does."""

    rig: Rig

    def do_GET(self) -> None:
        """Serve one request."""
        serve(self.rig, propagate.extract(dict(self.headers.items())))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Keep quiet."""


def test_over_http(make_rig: MakeRig) -> None:
    """Nobody sends a header and has a competitor billed."""
    rig = make_rig(resource=OWNER)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Front,), {"rig": rig}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        headers = {"baggage": header(FORGED)} | REMOTE
        address = f"http://127.0.0.1:{server.server_port}/"
        with urllib.request.urlopen(
            urllib.request.Request(address, headers=headers), timeout=patience(30)
        ):
            pass
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert billed(rig) == {("acme", "finder")}


class OverGrpc(grpc.GenericRpcHandler):
    """Extracts the context of a call from its metadata."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def service(self, handler_call_details: Any) -> Any:  # noqa: ANN401 - of grpc
        """Serve one call."""
        carrier = {key: str(value) for key, value in handler_call_details.invocation_metadata}

        def answer(request: bytes, _: object) -> bytes:
            serve(self._rig, propagate.extract(carrier))
            return request

        made: Any = grpc
        return made.unary_unary_rpc_method_handler(answer)


def test_over_grpc(make_rig: MakeRig) -> None:
    """Neither with the metadata of a call."""
    rig = make_rig(resource=OWNER)
    server = grpc.server(futures.ThreadPoolExecutor(1), handlers=[OverGrpc(rig)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as opened:
        channel: Any = opened
        call = channel.unary_unary("/any/Call")
        assert call(b"x", metadata=(("baggage", header(FORGED)),), timeout=patience(30)) == b"x"
    server.stop(None).wait()
    assert billed(rig) == {("acme", "finder")}


def test_a_publisher_of_the_global_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resource of the global provider names the configured publisher, too."""
    provider = TracerProvider(resource=Resource(OWNER), shutdown_on_exit=False)
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    before = incoming.trust(chosen=True)
    try:
        came = propagate.extract({"baggage": header(FORGED)})
    finally:
        incoming.trust(chosen=before)
    assert baggage.get_all(came) == {v.TENANT_ID: "t-evil"}
    assert incoming.caller(came) == "competitor"
