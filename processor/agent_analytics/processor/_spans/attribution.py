"""Whom a span is credited with: itself, its local parents, baggage, the resource, nobody."""

import os
from typing import Any, Final, NamedTuple

from opentelemetry import baggage
from opentelemetry.context import Context, get_current
from opentelemetry.sdk.trace import ReadableSpan

from agent_analytics.instrumentation import incoming
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.context import INVOCATION_KEY
from agent_analytics.instrumentation.exact import exact, exact_text
from agent_analytics.processor._count.core import Listing, Node
from agent_analytics.processor._series.listings import Listings
from agent_analytics.processor._spans.sdk_access import Attributes
from agent_analytics.processor.catalogue import UNKNOWN

#: The listing of a process, where neither spans, baggage nor resource name one.
AGENT_VARIABLE: Final = "AGENT_ANALYTICS_AGENT_ID"
#: For a span that is only understood when it ends: what surrounds it by then is not its own.
NO_CONTEXT = Context()


class Owner(NamedTuple):
    """Whose something is that names nobody itself; each may be ``None``: unknown."""

    publisher: object = None
    agent: object = None


class Attribution:
    """Finds listings for spans that do not simply inherit them from an open parent."""

    def __init__(self, listings: Listings) -> None:
        self._listings = listings
        self._publisher = os.environ.get(incoming.PUBLISHER_VARIABLE, "").strip() or None
        self._agent = os.environ.get(AGENT_VARIABLE, "").strip() or None

    def of_call(
        self,
        publisher: object,
        attributes: Attributes,
        span: ReadableSpan,
        parent: Node | None,
        context: Context | None,
    ) -> Listing | None:
        """Return whom a tool call, a model call or an event belongs to, or ``None``."""
        above = parent.listing if parent is not None else None
        if publisher is not None:
            named = exact_text(publisher)
            if v.AGENT_ID not in attributes and above is not None and above.publisher == named:
                return above
            return self.named(publisher, attributes, span)
        if above is not None:
            return above
        context = get_current() if context is None else context
        found = self.of_invocation(context)
        if found is None:
            found = self._of_ids(self._baggage(v.PUBLISHER_ID, context), v.AGENT_ID, context)
        if found is None:
            owner, agent = self.owner(span, context)
            if owner is not None and agent is not None:
                found = self._listings.find(owner, agent)
        return found

    def of_agent(
        self, attributes: Attributes, span: ReadableSpan, context: Context | None
    ) -> tuple[Listing | None, bool]:
        """Return the listing of an agent span that names no publisher and is in no open one.

        The second value is whether it is inner work of an invocation that is no longer open.
        """
        context = get_current() if context is None else context
        found = self.of_invocation(context)
        if found is not None:
            return found, True
        publisher, agent = self.owner(span, context)
        if publisher is None:
            return None, False
        if agent is not None and v.AGENT_ID not in attributes:
            return self._listings.find(publisher, agent), False
        return self.named(publisher, attributes, span), False

    def named(
        self, publisher: object, attributes: Attributes, span: ReadableSpan
    ) -> Listing | None:
        """Return the listing of ``publisher`` that a span names: by id, else by agent name."""
        agent = attributes.get(v.AGENT_ID)
        if agent is None:
            agent = attributes.get(v.AGENT_NAME)
        if agent is None:
            operation, _, agent = span.name.partition(" ")
            if operation != v.INVOKE_AGENT or not agent.strip():
                agent = UNKNOWN
        return self._listings.find(publisher, agent)

    def publisher(self, context: Context | None) -> object:
        """Return the publisher in baggage, or ``None``."""
        return self._baggage(v.PUBLISHER_ID, get_current() if context is None else context)

    def tenant(self, context: Context | None) -> object:
        """Return the tenant in baggage, or ``None``."""
        return self._baggage(v.TENANT_ID, get_current() if context is None else context)

    def owner(self, span: ReadableSpan, context: Context) -> Owner:
        """Return publisher and listing by baggage, else by the resource, else by environment."""
        named = self._baggage(v.PUBLISHER_ID, context)
        if named is not None and named is not incoming.caller(context):
            return Owner(named, self._baggage(v.AGENT_ID, context))
        resource = span.resource.attributes
        publisher, agent = exact(resource.get(v.PUBLISHER_ID)), exact(resource.get(v.AGENT_ID))
        if publisher is None and self._publisher is not None:
            publisher = self._publisher
        if named is not None and publisher in (None, named):  # a trusted caller's
            return Owner(named, self._baggage(v.AGENT_ID, context))
        return Owner(publisher, self._agent if agent is None else agent)

    def caller(self, context: Context) -> object:
        """Return the publisher that the process which made a call says it is, or ``None``."""
        return incoming.caller(context)

    def of_invocation(self, context: Context) -> Listing | None:
        """Return the listing of the decorated invocation that ``context`` belongs to, if any."""
        invocation: Any = context.get(INVOCATION_KEY)
        publisher = getattr(invocation, "publisher_id", None)
        agent = getattr(invocation, "agent_id", None)
        if publisher is None or agent is None:
            return None
        return self._listings.find(publisher, agent)

    def _of_ids(self, publisher: object, agent_key: str, context: Context) -> Listing | None:
        agent = self._baggage(agent_key, context) if publisher is not None else None
        return self._listings.find(publisher, agent) if agent is not None else None

    @staticmethod
    def _baggage(name: str, context: Context) -> object:
        return exact(baggage.get_baggage(name, context))
