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

# Names of this module are read in half the time of those of another one.
_PUBLISHER_ID: Final = v.PUBLISHER_ID
_AGENT_ID: Final = v.AGENT_ID
_TENANT_ID: Final = v.TENANT_ID
_EVENT_ID: Final = v.EVENT_ID
_TOOL_NAME: Final = v.TOOL_NAME
_TOOL: Final = _nodes.TOOL
_INVOCATION: Final = _nodes.INVOCATION


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
        get = attributes.get  # one by one: a map() costs as much as six
        publisher = get(_PUBLISHER_ID)
        if publisher is not None:
            listing = self._find(publisher, get(_AGENT_ID))
        else:
            listing = parent.listing if parent is not None else None
        if listing is None:
            listing = self._attribution.of_call(publisher, attributes, span, parent, context)
        node = Node(_TOOL, parent, listing)
        node.name = get(_TOOL_NAME)
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
        get = attributes.get
        publisher = get(_PUBLISHER_ID)
        scope = parent.within() if parent is not None else None
        if publisher is None:
            if scope is not None:  # a framework's own span, or a sub-agent: inner work
                return Node(_nodes.AGENT, parent, scope.listing)
            listing, inner = self._attribution.of_agent(attributes, span, context)
        else:
            # As in ``_find``, which would cost the hot path a call.
            listing = (
                self._known.get((publisher, agent))
                if type(publisher) is str and type(agent := get(_AGENT_ID)) is str
                else None
            )
            if listing is None:
                listing = self._attribution.named(publisher, attributes, span)
            inner = scope is not None and scope.listing is listing
        if inner and attributes.get(v.EVENT) == v.EVENT_INVOCATION:
            inner = False  # it happened elsewhere, whatever it was recorded in
        if listing is None or inner:
            return Node(_nodes.AGENT, parent, listing)
        node = Node(_INVOCATION, parent, listing)
        tenant = get(_TENANT_ID)
        event_id = get(_EVENT_ID)
        node.tenant = self._attribution.tenant(context) if tenant is None else tenant
        if event_id is not None and self._event_ids.seen(listing, event_id, span):
            node.flags = _nodes.DUPLICATE
        self._begin_invocation(listing)
        return node
