"""What a span is, and whom it belongs to, from what is known when it starts.

Identity that is there at the start is kept from then: the SDK evicts the oldest attributes of a
span beyond 128, and the publisher would go with them.
"""

from threading import RLock
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import _nodes
from agent_analytics.processor import _schema as schema
from agent_analytics.processor._attribution import Attribution
from agent_analytics.processor._events import EventIds
from agent_analytics.processor._listings import Listings
from agent_analytics.processor._nodes import Node
from agent_analytics.processor._reading import Attributes


_IDENTITY: Final = (v.PUBLISHER_ID, v.AGENT_ID, v.TENANT_ID, v.EVENT_ID)


class Beginnings:
    """Makes the nodes of agent, tool and model spans."""

    def __init__(
        self, listings: Listings, attribution: Attribution, event_ids: EventIds, lock: RLock
    ) -> None:
        self._known = listings.known
        self._attribution = attribution
        self._event_ids = event_ids
        self._lock = lock

    def begin(
        self,
        operation: object,
        attributes: Attributes,
        span: ReadableSpan,
        parent: Node | None,
        context: Context | None,
    ) -> Node | None:
        """Return the node of a span that names ``operation``; ``None`` if it is none of ours.

        Args:
            operation: ``gen_ai.operation.name``.
            attributes: What the span carries so far.
            span: The span.
            parent: Node of the span that it was started in, if that is followed.
            context: What it was started in; ``None`` for the current context.
        """
        if operation == v.EXECUTE_TOOL:
            node = self._call(_nodes.TOOL, attributes, span, parent, context)
            node.name = attributes.get(v.TOOL_NAME)
            return node
        if operation == v.INVOKE_AGENT:
            return self._agent(attributes, span, parent, context)
        if type(operation) is str and operation in v.INFERENCE_OPERATIONS:
            return self._call(_nodes.INFERENCE, attributes, span, parent, context)
        # Steps, workflows and whatever else there is: see-through.
        return Node(_nodes.OTHER, parent, parent.listing) if parent else None

    def _call(
        self,
        kind: int,
        attributes: Attributes,
        span: ReadableSpan,
        parent: Node | None,
        context: Context | None,
    ) -> Node:
        publisher = attributes.get(v.PUBLISHER_ID)
        if publisher is None and parent is not None and parent.listing is not None:
            return Node(kind, parent, parent.listing)
        listing = self._attribution.of_call(publisher, attributes, span, parent, context)
        return Node(kind, parent, listing)

    def _agent(
        self,
        attributes: Attributes,
        span: ReadableSpan,
        parent: Node | None,
        context: Context | None,
    ) -> Node:
        publisher, agent, tenant, event_id = map(attributes.get, _IDENTITY)
        scope = parent.within() if parent is not None else None
        if publisher is None:
            if scope is not None:  # a framework's own span, or a sub-agent: inner work
                return Node(_nodes.AGENT, parent, scope.listing)
            listing, inner = self._attribution.of_agent(attributes, span, context)
        else:
            try:
                listing = self._known.get((publisher, agent))
            except TypeError:
                listing = None
            if listing is None:
                listing = self._attribution.named(publisher, attributes, span)
            inner = scope is not None and scope.listing is listing
        if inner and attributes.get(v.EVENT) == v.EVENT_INVOCATION:
            inner = False  # it happened elsewhere, whatever it was recorded in
        if listing is None or inner:
            return Node(_nodes.AGENT, parent, listing)
        node = Node(_nodes.INVOCATION, parent, listing)
        node.tenant = self._attribution.tenant(context) if tenant is None else tenant
        if event_id is not None and self._event_ids.seen(listing, event_id, span):
            node.flags = _nodes.DUPLICATE
        with self._lock:
            listing.cells[schema.IN_PROGRESS] += 1
        return node
