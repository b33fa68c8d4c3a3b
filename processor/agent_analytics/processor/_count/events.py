"""Recorded events: installs, feedback, charges and the like, each id counted once."""

from bisect import bisect_left
from threading import RLock
from typing import Any, Final

from opentelemetry.sdk.trace import ReadableSpan

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.exact import exact
from agent_analytics.processor._count.core import Amounts, Listing, Node
from agent_analytics.processor._count.observation import usage_of_agent
from agent_analytics.processor._count.releases import Releases
from agent_analytics.processor._count.usage import UsageCounter
from agent_analytics.processor._durable import SharedIds
from agent_analytics.processor._series import health as _health
from agent_analytics.processor._series import schema
from agent_analytics.processor._series.health import Health
from agent_analytics.processor._series.listings import Listings
from agent_analytics.processor._series.schema import NANO
from agent_analytics.processor._series.store import Block
from agent_analytics.processor._spans import marks
from agent_analytics.processor._spans.sdk_access import Attributes, moment
from agent_analytics.processor._spans.values import Charges, number
from agent_analytics.processor.catalogue import RATINGS, SCORES, UNKNOWN

#: Characters of an event id; ids are remembered, and so must not be of any length.
_MAX_ID: Final = 200
_LOWEST_RATING, _HIGHEST_RATING = RATINGS[0], RATINGS[-1]


class EventIds:
    """The event ids seen lately, by publisher: nobody's ids push out anybody else's."""

    def __init__(
        self, cap: int, health: Health, lock: RLock, shared: SharedIds | None = None
    ) -> None:
        self._shared = shared
        self._cap = cap
        self._health = health
        self._lock = lock
        self._seen: dict[str, dict[str, int]] = {}

    def seen(self, listing: Listing, event_id: object, span: ReadableSpan) -> bool:
        """Tell whether ``event_id`` was seen before on another span, and remember it.

        An id that is no text, or a long one, is refused and counted, and the event taken as new.
        """
        if type(event_id) is not str:
            event_id = exact(event_id)
        if type(event_id) is not str or not 0 < len(event_id) <= _MAX_ID:
            self._health.refuse_value("event")
            return False
        context: Any = span.context
        span_id: int = context.span_id
        if self._shared is not None:
            return self._shared.seen(listing.publisher, event_id, span_id)
        with self._lock:
            ids = self._seen.setdefault(listing.publisher, {})
            if event_id in ids:
                return ids[event_id] != span_id  # a span that was given up comes here twice
            ids[event_id] = span_id
            if len(ids) > self._cap:
                del ids[next(iter(ids))]
            return False


class EventCounter:
    """Adds events to the cells of their listing."""

    def __init__(
        self,
        listings: Listings,
        health: Health,
        lock: RLock,
        amounts: Amounts,
        charges: Charges,
        usage: UsageCounter,
        releases: Releases,
        event_ids: EventIds,
    ) -> None:
        self._listings = listings
        self._health = health
        self._lock = lock
        self._amounts = amounts
        self._charges = charges
        self._usage = usage
        self._releases = releases
        self._event_ids = event_ids

    def count(
        self, node: Node | None, listing: Listing, attributes: Attributes, span: ReadableSpan
    ) -> None:
        """Count one event.

        Args:
            node: The event's own, if it happened inside a followed span.
            listing: Whom it belongs to.
            attributes: Those of its span.
            span: Its span.
        """
        event_id = attributes.get(v.EVENT_ID)
        if event_id is not None and self._event_ids.seen(listing, event_id, span):
            with self._lock:
                self._health.cells[_health.DUPLICATE_EVENTS] += 1
                self._health.cells[_health.DUPLICATE] += 1
            return
        event = attributes[v.EVENT]
        if event == v.EVENT_INSTALL:
            self._add(listing, schema.INSTALLS)
        elif event == v.EVENT_UNINSTALL:
            self._add(listing, schema.UNINSTALLS)
        elif event == v.EVENT_FEEDBACK:
            self._feedback(listing, attributes, span)
        elif event == v.EVENT_EVALUATION:
            self._evaluation(listing, attributes)
        elif event == v.EVENT_USAGE:
            owner = node.parent if node is not None else None
            self._usage.of_agent(
                owner or Node(marks.OTHER, None, listing),
                listing,
                usage_of_agent(attributes),
                moment(span.start_time),
            )
        else:
            self.money(listing, attributes.get(v.REVENUE_USD), attributes.get(v.REFUND_USD))
        with self._lock:
            self._health.cells[_health.EVENT] += 1

    def money(self, listing: Listing, charged: object, refunded: object) -> None:
        """Count the revenue and refunds that a span carries; ``None`` for nothing."""
        if charged is None and refunded is None:
            return
        revenue, fee = self._charges.read(listing.publisher, charged)
        refund = self._amounts.nano(refunded)
        cells = listing.cells
        with self._lock:
            cells[schema.REVENUE] += revenue
            cells[schema.FEES] += fee
            cells[schema.REFUNDS] += refund

    def _add(self, listing: Listing, cell: int) -> None:
        with self._lock:
            listing.cells[cell] += 1

    def _feedback(self, listing: Listing, attributes: Attributes, span: ReadableSpan) -> None:
        rating = number(
            attributes.get(v.FEEDBACK_RATING),
            _LOWEST_RATING,
            _HIGHEST_RATING,
            "rating",
            self._health,
        )
        if rating is None:
            return
        self._observe(self._listings.block(listing, schema.RATINGS), RATINGS, rating)
        version = attributes.get(v.AGENT_VERSION)
        release = self._releases.of_rating(listing, version, span.resource)
        if release is not None:
            with self._lock:
                release.cells[schema.RELEASE_RATINGS] += 1
                release.cells[schema.RELEASE_STARS] += round(rating * NANO)

    def _evaluation(self, listing: Listing, attributes: Attributes) -> None:
        score = number(
            attributes.get(v.EVALUATION_SCORE), SCORES[0] * 0, SCORES[-1], "score", self._health
        )
        if score is None:
            return
        name = attributes.get(v.EVALUATION_NAME, UNKNOWN)
        self._observe(self._listings.block(listing, schema.EVALUATIONS, name), SCORES, score)

    def _observe(self, block: Block, edges: tuple[float, ...], value: float) -> None:
        with self._lock:
            block.cells[bisect_left(edges, value)] += 1
            block.cells[len(edges) + 1] += round(value * NANO)
