"""Identity of tenants and publishers stays in the process unless the user lets it out."""

from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import unquote_plus

import pytest
from opentelemetry import baggage, context, propagate
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context

from agent_analytics.exporters import configure
from agent_analytics.instrumentation import agent, current_invocation, tenant
from agent_analytics.instrumentation import vocabulary as names


@pytest.fixture
def caller() -> Iterator[None]:
    """Come in with baggage of a caller: its own entry, its publisher and its tenant."""
    current = context.get_current()
    for key, value in (
        ("colour", "blue"),
        (names.PUBLISHER_ID, "upstream"),
        (names.TENANT_ID, "t-in"),
        (" Marketplace.x", "1"),
    ):
        current = baggage.set_baggage(key, value, current)
    token = context.attach(current)
    yield
    context.detach(token)


def injected() -> dict[str, str]:
    """Return the baggage that leaves with a call, by key as its receiver reads it."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    pairs = [entry.split("=") for entry in carrier.get("baggage", "").split(",") if entry]
    return {unquote_plus(key).strip(): unquote_plus(value) for key, value in pairs}


@agent(publisher_id="acme", agent_id="finder")
def call_out() -> dict[str, str]:
    """Return what leaves from inside an invocation."""
    return injected()


@pytest.mark.usefixtures("caller")
def test_identity_stays_at_home() -> None:
    """By default nothing of ours leaves, from inside an invocation or not; the rest does."""
    with configure(metrics_port=None), tenant("t-42"):
        assert call_out() == {"colour": "blue"}
        assert injected() == {"colour": "blue"}
        assert baggage.get_baggage(names.TENANT_ID) == "t-42"


@pytest.mark.usefixtures("caller")
def test_identity_leaves_where_wanted() -> None:
    """With propagate_identity the current invocation's identity goes along."""
    with configure(metrics_port=None, propagate_identity=True):
        with tenant("t-42"):
            sent = call_out()
        outside = injected()
    assert sent[names.PUBLISHER_ID] == "acme"
    assert sent[names.AGENT_ID] == "finder"
    assert sent[names.TENANT_ID] == "t-42"
    assert sent["colour"] == "blue"
    assert outside[names.PUBLISHER_ID] == "upstream"


def test_the_tenant_of_a_decorator_leaves_too() -> None:
    """A tenant that only the invocation knows is completed."""

    @agent(publisher_id="acme", agent_id="finder", tenant=lambda: "t-7")
    def call() -> dict[str, str]:
        return injected()

    with configure(metrics_port=None, propagate_identity=True):
        assert call()[names.TENANT_ID] == "t-7"


def test_the_environment_may_let_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """AGENT_ANALYTICS_PROPAGATE_IDENTITY does what the argument does."""
    monkeypatch.setenv("AGENT_ANALYTICS_PROPAGATE_IDENTITY", "true")
    with configure(metrics_port=None):
        assert call_out()[names.PUBLISHER_ID] == "acme"


def test_a_given_context_is_what_counts() -> None:
    """inject() with a context of its own takes the identity out of that one."""
    given = baggage.set_baggage(names.TENANT_ID, "t-1", baggage.set_baggage("a", "b"))
    carrier: dict[str, str] = {}
    with configure(metrics_port=None):
        propagate.inject(carrier, given)
    assert carrier == {"baggage": "a=b"}


def test_what_comes_in_stays_at_the_door() -> None:
    """A stranger's identity reaches no invocation and no further service, whatever extracts it."""
    carrier = {"baggage": f"colour=blue,{names.PUBLISHER_ID}=competitor,{names.TENANT_ID}=t-1"}
    seen: list[str | None] = []

    @agent
    def find() -> dict[str, str]:
        invocation = current_invocation()
        seen.extend((invocation.publisher_id, invocation.tenant_id))
        return injected()

    with configure(metrics_port=None, propagate_identity=True):
        for extracted in (propagate.extract(carrier), W3CBaggagePropagator().extract(carrier)):
            token = context.attach(extracted)
            try:
                assert injected() == find() == {"colour": "blue"}
            finally:
                context.detach(token)
    assert seen == [None] * 4


def test_what_a_trusted_caller_says_is_read() -> None:
    """extract() gives the identity of trusted callers, and the trace's context passes."""
    carrier = {
        "baggage": f"{names.TENANT_ID}=t-1",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    with configure(metrics_port=None, trust_incoming_baggage=True):
        extracted = propagate.extract(carrier)
        assert baggage.get_baggage(names.TENANT_ID, extracted) == "t-1"
        out: dict[str, str] = {}
        propagate.inject(out, extracted)
        assert out == {"traceparent": carrier["traceparent"]}
        assert propagate.get_global_textmap().fields >= {"traceparent", "baggage"}


def test_trust_ends_with_the_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    """The argument counts before the variable, and neither outlives the runtime."""
    carrier = {"baggage": f"{names.TENANT_ID}=t-1"}
    monkeypatch.setenv("AGENT_ANALYTICS_TRUST_INCOMING_BAGGAGE", "true")
    with configure(metrics_port=None):
        assert baggage.get_all(propagate.extract(carrier))
    with configure(metrics_port=None, trust_incoming_baggage=False):
        assert not baggage.get_all(propagate.extract(carrier))
    assert baggage.get_all(propagate.extract(carrier))
    monkeypatch.delenv("AGENT_ANALYTICS_TRUST_INCOMING_BAGGAGE")
    assert not baggage.get_all(propagate.extract(carrier))


class Duck:
    """A propagator that is of no class of OpenTelemetry's."""

    fields = frozenset({"x-who"})

    def extract(
        self, carrier: dict[str, str], context: Context | None = None, getter: object = None
    ) -> Context:
        """Extract a publisher."""
        del getter
        return baggage.set_baggage(names.PUBLISHER_ID, carrier["x-who"], context)

    def inject(
        self, carrier: dict[str, str], context: object = None, setter: object = None
    ) -> None:
        """Inject nothing."""


def test_a_propagator_of_no_known_class() -> None:
    """What the program has set as the global propagator is looked after, whatever it is."""
    before = propagate.get_global_textmap()
    propagate.set_global_textmap(cast("Any", Duck()))
    try:
        with configure(metrics_port=None):
            assert not baggage.get_all(propagate.extract({"x-who": "competitor"}))
    finally:
        propagate.set_global_textmap(before)


def test_the_propagator_of_before_comes_back() -> None:
    """After the shutdown the earlier propagator is global again, unless another has been set."""
    before = propagate.get_global_textmap()
    configure(metrics_port=None).shutdown()
    assert propagate.get_global_textmap() is before
    runtime = configure(metrics_port=None)
    later = W3CBaggagePropagator()
    propagate.set_global_textmap(later)
    runtime.shutdown()
    assert propagate.get_global_textmap() is later
    propagate.set_global_textmap(before)
