"""What leaves the process with outgoing calls: tenant and publisher stay at home unless let out.

Baggage travels with every request of an instrumented client, to the model's vendor as well as to
one's own services, and anybody who receives it can read it.
"""

from typing import Final

from opentelemetry import baggage, propagate
from opentelemetry.context import Context, get_current
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)

from agent_analytics.instrumentation.context import current_tenant, invocation_in
from agent_analytics.instrumentation.incoming import is_ours
from agent_analytics.instrumentation.vocabulary import AGENT_ID, PUBLISHER_ID, TENANT_ID


class EgressPropagator(TextMapPropagator):
    """Wraps a propagator and decides what it may inject of ``marketplace.*``."""

    def __init__(self, inner: TextMapPropagator, *, identity: bool) -> None:
        self.inner: Final = inner
        self._identity = identity

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> Context:
        """Extract what the wrapped propagator extracts.

        ``incoming`` looks at the outcome, as at that of every class of propagators.
        """
        return self.inner.extract(carrier, context, getter)

    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """Inject what the wrapped propagator injects, of a context without or with identity."""
        context = get_current() if context is None else context
        context = _with_identity(context) if self._identity else _without_identity(context)
        self.inner.inject(carrier, context, setter)

    @property
    def fields(self) -> set[str]:
        """Fields that the wrapped propagator sets."""
        return self.inner.fields


def _without_identity(context: Context) -> Context:
    for key in baggage.get_all(context):
        if is_ours(key):
            context = baggage.remove_baggage(key, context)
    return context


def _with_identity(context: Context) -> Context:
    """Return ``context`` with the current invocation's identity in its baggage.

    Its publisher and listing replace what came in with the caller's baggage: a call belongs to
    who makes it.
    """
    invocation = invocation_in(context)
    if invocation is None:
        return context
    for key, value in (
        (PUBLISHER_ID, invocation.publisher_id),
        (AGENT_ID, invocation.agent_id),
        (TENANT_ID, current_tenant(context)),
    ):
        if value is not None:
            context = baggage.set_baggage(key, value, context)
    return context


def install(*, identity: bool) -> EgressPropagator:
    """Wrap the global propagator and return the wrapper, for ``uninstall``."""
    propagator = EgressPropagator(propagate.get_global_textmap(), identity=identity)
    propagate.set_global_textmap(propagator)
    return propagator


def uninstall(propagator: EgressPropagator) -> None:
    """Put back what was there before, unless somebody has replaced the wrapper since."""
    if propagate.get_global_textmap() is propagator:
        propagate.set_global_textmap(propagator.inner)
