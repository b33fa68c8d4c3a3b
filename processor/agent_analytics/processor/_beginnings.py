"""What a span is, and whom it belongs to, from what is known when it starts.

Identity that is there at the start is kept from then: the SDK evicts the oldest attributes of a
span beyond 128, and the publisher would go with them.
"""

from collections.abc import Callable
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.exact import exact_text
from agent_analytics.processor import _nodes
from agent_analytics.processor._attribution import Attribution
from agent_analytics.processor._events import EventIds
from agent_analytics.processor._listings import Listing, Listings
from agent_analytics.processor._nodes import Node
from agent_analytics.processor._reading import Attributes

_IDENTITY: Final = (v.PUBLISHER_ID, v.AGENT_ID, v.TENANT_ID, v.EVENT_ID)
_TOOL_IDENTITY: Final = (v.PUBLISHER_ID, v.AGENT_ID, v.TOOL_NAME)


class Beginnings:
    """Makes the nodes of agent, tool and model spans.

    Attributes:
        makers: What makes the nodes of spans, by their operation; the hot path asks it directly.
    """

    def __init__(
        self,
        listings: Listings,
        attribution: Attribution,
        event_ids: EventIds,
        begin_invocation: Callable[[Listing], None],
    ) -> None:
        self._known = listings.known
        self._attribution = attribution
        self._event_ids = event_ids
        self._begin_invocation = begin_invocation
        self.makers = {
            v.INVOKE_AGENT: self._agent,
            v.EXECUTE_TOOL: self._tool,
            **dict.fromkeys(v.INFERENCE_OPERATIONS, self._inference),
        }

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
        make = self.makers.get(operation if type(operation) is str else exact_text(operation) or "")
        if make is not None:
            return make(attributes, span, parent, context)
        # Steps, workflows and whatever else there is: see-through.
        return Node(_nodes.OTHER, parent, parent.listing) if parent else None

    def _find(self, publisher: object, agent: object) -> Listing | None:
        """Return the listing that ids name, if it is known."""
        if type(publisher) is not str or type(agent) is not str:
            return None  # of a class that decides whose id its text is equal to
        return self._known.get((publisher, agent))

    def _tool(
        self,
        attributes: Attributes,
        span: ReadableSpan,
        parent: Node | None,
        context: Context | None,
    ) -> Node:
        publisher, agent, name = map(attributes.get, _TOOL_IDENTITY)
        if publisher is not None:
            listing = self._find(publisher, agent)
        else:
            listing = parent.listing if parent is not None else None
        if listing is None:
            listing = self._attribution.of_call(publisher, attributes, span, parent, context)
        node = Node(_nodes.TOOL, parent, listing)
        node.name = name
        return node

    def _inference(
        self,
        attributes: Attributes,
        span: ReadableSpan,
        parent: Node | None,
        context: Context | None,
    ) -> Node:
        publisher = attributes.get(v.PUBLISHER_ID)
        if publisher is None and parent is not None and parent.listing is not None:
            return Node(_nodes.INFERENCE, parent, parent.listing)
        listing = self._attribution.of_call(publisher, attributes, span, parent, context)
        return Node(_nodes.INFERENCE, parent, listing)

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
            # As in ``_find``, which would cost the hot path a call.
            listing = (
                self._known.get((publisher, agent))
                if type(publisher) is str and type(agent) is str
                else None
            )
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
        self._begin_invocation(listing)
        return node
