"""Whatever extracts baggage, in whichever way it is found: a caller's ``marketplace.*`` stays out.

Each way is one by which a propagator gets round a wrapper of ``extract`` that is put on classes:
class and static methods (OpenTelemetry asks for no instance), a method of one instance alone (as
a patch or a mock sets it), methods that were bound before, objects of no class of
OpenTelemetry's (the API asks for none), and classes that keep what is said of subclasses to
themselves.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, propagate
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import TextMapPropagator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from tests.patience import patience
from tests.processor.rig import Rig
from tests.processor.spans.test_incoming import (
    FORGED,
    OWNER,
    REMOTE,
    billed,
    header,
    nobody_is_configured,
    serve,
    trusting,
)

from agent_analytics.instrumentation import incoming, tenant
from agent_analytics.instrumentation import vocabulary as v

__all__ = ["nobody_is_configured", "trusting"]

MakeRig = Callable[..., Rig]


def carried(carrier: Mapping[str, str], context: Context | None) -> Context:
    """Set what a carrier has in baggage, in a helper as that of ottrace (0.66b1) does."""
    for key, value in carrier.items():
        context = baggage.set_baggage(key, value, context)
    return context or Context()


class Other(TextMapPropagator):
    """What every propagator below has."""

    fields: Any = ()

    def extract(self, carrier: Any, context: Any = None, getter: Any = None) -> Context:  # noqa: ANN401, ARG002 - as the class it is of
        """Extract nothing."""
        return context or Context()

    def inject(self, carrier: Any, context: Any = None, setter: Any = None) -> None:  # noqa: ANN401 - as the class it is of
        """Inject nothing."""


class OfClass(Other):
    """Asks for no instance."""

    @classmethod
    def extract(cls, carrier: Any, context: Any = None, getter: Any = None) -> Context:  # pyright: ignore[reportIncompatibleMethodOverride]  # noqa: ANN401, ARG003 - on purpose
        """Extract."""
        return carried(carrier, context)


class Static(Other):
    """Asks for nothing, and calls its arguments as it likes."""

    @staticmethod
    def extract(headers: Any, context: Any = None, **_: Any) -> Context:  # type: ignore[override]  # noqa: ANN401 - on purpose
        """Extract."""
        return carried(headers, context)


class Secretive(Other):
    """Says nothing of its subclasses to those above."""

    def __init_subclass__(cls) -> None:
        """Keep it to itself."""


class Unheard(Secretive):
    """A subclass that nobody above has heard of."""

    def extract(self, headers: Any, context: Any = None, **_: Any) -> Context:  # type: ignore[override]  # noqa: ANN401 - on purpose
        """Extract."""
        return carried(headers, context)


class Duck:
    """No propagator by its class."""

    fields: Any = ()

    def extract(self, carrier: Any, context: Any = None, getter: Any = None) -> Context:  # noqa: ANN401, ARG002 - as a propagator's
        """Extract."""
        return carried(carrier, context)


def _patched(function: Callable[..., Context]) -> Other:
    propagator = Other()
    propagator.extract = function  # type: ignore[method-assign]  # as a patch does
    return propagator


def _reassigned() -> type[Other]:
    class Late(Other):
        """Gets another method after it was made."""

    Late.extract = Unheard.extract  # type: ignore[method-assign,assignment]  # as a patch does
    return Late


def _extract_ours(headers: Any, context: Any = None, **_: Any) -> Context:  # noqa: ANN401 - any
    return carried(headers, context)


#: Bound before anything of ours could stand at the door: the function as the library made it.
_UNGUARDED: Any = getattr(W3CBaggagePropagator.extract, "__wrapped__", W3CBaggagePropagator.extract)


def _w3c(values: Mapping[str, str]) -> dict[str, str]:
    return {"baggage": header(values)}


def _globally(propagator: Any, values: Mapping[str, str]) -> Context:  # noqa: ANN401 - any
    before = propagate.get_global_textmap()
    propagate.set_global_textmap(propagator)
    try:
        return propagate.extract(values)
    finally:
        propagate.set_global_textmap(before)


def _by_mock(values: Mapping[str, str]) -> Context:
    with mock.patch.object(W3CBaggagePropagator, "extract", _UNGUARDED):
        return W3CBaggagePropagator().extract(_w3c(values))


WAYS: dict[str, Callable[[Mapping[str, str]], Context]] = {
    "class method": OfClass.extract,
    "class method of an instance": lambda values: OfClass().extract(values, get_current()),
    "static method": Static.extract,
    "static method of an instance": lambda values: Static().extract(values, context=Context()),
    "composed": lambda values: CompositePropagator([Static(), OfClass()]).extract(values),
    "set on an instance": lambda values: _patched(partial(Duck.extract, None)).extract(values),  # type: ignore[arg-type]
    "a lambda on an instance": lambda values: _globally(
        _patched(lambda *a, **_: carried(a[0], None)), values
    ),
    "a lambda in a composite": lambda values: CompositePropagator(
        [_patched(lambda *a, **_: carried(a[0], None))]
    ).extract(values),
    "a subclass nobody heard of": lambda values: Unheard().extract(values),
    "a method set on a class": lambda values: _reassigned()().extract(values),
    "no propagator by class": lambda values: Duck().extract(values),
    "global": lambda values: _globally(Duck(), values),
    "global, odd": lambda values: _globally(mock.Mock(extract=_extract_ours), values),
    "bound before": lambda values: _UNGUARDED(W3CBaggagePropagator(), _w3c(values)),
    "unbound": lambda values: W3CBaggagePropagator.extract(W3CBaggagePropagator(), _w3c(values)),
    "patched back": _by_mock,
    "remote parent": lambda values: _UNGUARDED(
        W3CBaggagePropagator(), _w3c(values), TraceContextTextMapPropagator().extract(REMOTE)
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_stranger_is_never_billed(make_rig: MakeRig, way: str) -> None:
    """Work is the configured publisher's, and nothing of ours is in baggage."""
    rig = make_rig(resource=OWNER)
    came = WAYS[way](FORGED | {v.REVENUE_USD: "5", "colour": "blue"})
    assert baggage.get_all(came) == {"colour": "blue"}
    serve(rig, came)
    assert billed(rig) == {("acme", "finder")}


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("way", WAYS)
def test_a_trusted_caller(make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Who is trusted names the owner, in any order, and never another than the configured one."""
    found = WAYS[way](FORGED | {v.REVENUE_USD: "5"})
    assert baggage.get_all(found) == FORGED
    assert incoming.caller(found) == "competitor"
    rig = make_rig()
    serve(rig, found)
    assert billed(rig) == {("competitor", "bot")}
    monkeypatch.setenv(incoming.PUBLISHER_VARIABLE, "acme")
    assert baggage.get_all(WAYS[way](FORGED)) == {v.TENANT_ID: "t-evil"}
    own = {v.AGENT_ID: "front", v.TENANT_ID: "t", v.PUBLISHER_ID: "acme"}
    assert baggage.get_all(WAYS[way](own)) == own
    assert baggage.get_all(WAYS[way]({v.AGENT_ID: "front"})) == {}


@pytest.mark.parametrize("way", ["static method of an instance", "bound before", "global"])
def test_what_was_there_before_stays(way: str) -> None:
    """A caller's entries replace none of those of the process, which are set as before."""
    del way
    mine = baggage.set_baggage(v.PUBLISHER_ID, "acme", Context())
    came = Duck().extract(FORGED | {"colour": "blue"}, mine)
    assert baggage.get_all(came) == {v.PUBLISHER_ID: "acme", "colour": "blue"}
    later = baggage.set_baggage(v.TENANT_ID, "t-42", came)
    assert baggage.get_baggage(v.TENANT_ID, later) == "t-42"
    assert baggage.get_all(baggage.remove_baggage("colour", came)) == {v.PUBLISHER_ID: "acme"}
    assert baggage.get_all(baggage.clear(came)) == {}


def handled(carrier: Mapping[str, str], then: Callable[[], object]) -> object:
    """Do the work of a message, as a consumer does that extracts by itself."""
    token = attach(propagate.extract(carrier))
    try:
        return then()
    finally:
        detach(token)


def extract_facts(text: str, getter: object = None) -> Mapping[str, object]:
    """Extract facts, which is what agents do: no propagator, and its own baggage counts."""
    del text, getter
    return baggage.get_all(baggage.set_baggage(v.AGENT_ID, "facts", get_current()))


class Extractor:
    """An agent that extracts."""

    def extract(self, text: str, context: Context | None = None) -> Mapping[str, object]:
        """Extract."""
        del text
        return baggage.get_all(baggage.set_baggage(v.AGENT_ID, "facts", context))


def inside_of_tenant() -> Mapping[str, object]:
    """Return the baggage inside of a tenant's work."""
    with tenant("t-42"):
        return dict(baggage.get_all())


def test_the_process_itself_is_believed_wherever_it_speaks() -> None:
    """Handlers that have a carrier, and agents that extract, set baggage of their own."""
    own = {v.AGENT_ID: "facts"}
    forged = _w3c(FORGED)
    assert handled(forged, lambda: Extractor().extract("x")) == own
    assert handled(forged, inside_of_tenant) == {v.TENANT_ID: "t-42"}
    set_here = partial(baggage.set_baggage, v.PUBLISHER_ID, "acme")
    assert baggage.get_all(handled(forged, set_here)) == {v.PUBLISHER_ID: "acme"}  # type: ignore[arg-type]
    token = attach(Context())
    try:
        assert extract_facts("x") == own
    finally:
        detach(token)


ENTRIES = st.lists(
    st.tuples(
        st.sampled_from([*FORGED, "marketplace.x", " Marketplace.y", "colour", "a"]),
        st.sampled_from(["acme", "other"]),
    )
)


@given(came=ENTRIES)
def test_the_order_of_entries_is_no_matter(came: list[tuple[str, str]]) -> None:
    """Entry by entry as at once: the door of a class and that of baggage agree."""
    once = OfClass.extract(dict(came))
    assert baggage.get_all(once) == {k: x for k, x in dict(came).items() if not incoming.is_ours(k)}


#: Takes hold of everything before anything of ours is there.
EARLY = """
from opentelemetry import baggage, propagate
from opentelemetry.baggage import set_baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.propagate import extract, get_global_textmap
bound, first = W3CBaggagePropagator().extract, get_global_textmap()
class Mine:
    fields = set()
    def extract(self, carrier, context=None, getter=None):
        return set_baggage("marketplace.tenant.id", carrier["t"], context)
    def inject(self, carrier, context=None, setter=None): pass
from agent_analytics.exporters import configure
runtime = configure("shop", metrics_port=None)
forged = {"baggage": "marketplace.publisher.id=evil,a=b", "t": "evil"}
for way in (extract, bound, first.extract, get_global_textmap().extract):
    assert dict(baggage.get_all(way(forged))) == {"a": "b"}, way
propagate.set_global_textmap(Mine())
assert dict(baggage.get_all(extract(forged))) == {}
assert dict(baggage.get_all(set_baggage("marketplace.tenant.id", "own"))) == {
    "marketplace.tenant.id": "own"
}
runtime.shutdown()
"""


def test_what_was_held_before_we_came() -> None:
    """Functions and methods that an instrumentation took at its import are no way round."""
    done = subprocess.run(
        [sys.executable, "-c", EARLY],
        capture_output=True,
        check=False,
        text=True,
        timeout=patience(),
    )
    assert done.returncode == 0, done.stderr
