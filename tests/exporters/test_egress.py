"""Identity of tenants and publishers stays in the process unless the user lets it out."""

from collections.abc import Iterator
from urllib.parse import unquote_plus

import pytest
from opentelemetry import baggage, context, propagate
from opentelemetry.baggage.propagation import W3CBaggagePropagator

from agent_analytics.exporters import configure
from agent_analytics.instrumentation import agent, tenant
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


def test_what_comes_in_is_read() -> None:
    """extract() gives identity to the service as before, and the trace's context passes."""
    carrier = {
        "baggage": f"{names.TENANT_ID}=t-1",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    with configure(metrics_port=None):
        extracted = propagate.extract(carrier)
        assert baggage.get_baggage(names.TENANT_ID, extracted) == "t-1"
        out: dict[str, str] = {}
        propagate.inject(out, extracted)
        assert out == {"traceparent": carrier["traceparent"]}
        assert propagate.get_global_textmap().fields >= {"traceparent", "baggage"}


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
