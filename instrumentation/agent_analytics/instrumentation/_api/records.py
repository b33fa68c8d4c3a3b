"""Recording of what is no decorated call: installs, ratings, charges, invocations elsewhere."""

import os
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, cast

from opentelemetry.trace import Link, SpanContext
from opentelemetry.util.types import AttributeValue

from agent_analytics.instrumentation import tracing
from agent_analytics.instrumentation import vocabulary as names
from agent_analytics.instrumentation._api import checks
from agent_analytics.instrumentation._api.handle import Invocation
from agent_analytics.instrumentation._api.links import links_to
from agent_analytics.instrumentation.context import current_tenant
from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.instrumentation.money import usd_text

Usd = float | str | Decimal

_CAPTURE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_CAPTURE_ON: Final = frozenset({"true", "span_only", "span_and_event"})


def record_install(
    *,
    publisher_id: str,
    agent_id: str,
    tenant_id: str | None = None,
    event_id: str | None = None,
    occurred_at: datetime | None = None,
) -> None:
    """Record that a tenant installed a listing.

    Args:
        publisher_id: Publisher of the listing.
        agent_id: The listing.
        tenant_id: The tenant; that of the context if None.
        event_id: Idempotency key: the same key of one publisher counts once.
        occurred_at: When, with a time zone; now if None.

    Raises:
        ValueError: An argument is bad.
    """
    about = listing_attributes(publisher_id, agent_id, tenant_id, event_id)
    _event(names.EVENT_INSTALL, about, occurred_at, {})


def record_uninstall(
    *,
    publisher_id: str,
    agent_id: str,
    tenant_id: str | None = None,
    event_id: str | None = None,
    occurred_at: datetime | None = None,
) -> None:
    """Record that a tenant uninstalled a listing; arguments as of ``record_install``.

    Raises:
        ValueError: An argument is bad.
    """
    about = listing_attributes(publisher_id, agent_id, tenant_id, event_id)
    _event(names.EVENT_UNINSTALL, about, occurred_at, {})


def record_feedback(
    *,
    publisher_id: str,
    agent_id: str,
    tenant_id: str | None = None,
    rating: float,
    comment: str | None = None,
    invocation: Invocation | SpanContext | str | None = None,
    event_id: str | None = None,
    occurred_at: datetime | None = None,
) -> None:
    """Record a tenant's rating; other arguments as of ``record_install``.

    Args:
        publisher_id: Publisher of the listing.
        agent_id: The listing.
        tenant_id: The tenant; that of the context if None.
        rating: 1 (worst) to 5 (best).
        comment: The tenant's words: content, so kept only where the environment variable
            OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT switches content on for spans.
        invocation: What is rated: an Invocation, its ``id`` or its span context.
        event_id: Idempotency key.
        occurred_at: When, with a time zone; now if None.

    Raises:
        ValueError: An argument is bad.
    """
    values: dict[str, AttributeValue] = {
        names.FEEDBACK_RATING: checks.number(rating, "rating", 1, 5)
    }
    if comment is not None:
        if not isinstance(cast("object", comment), str):
            checks.refuse("comment", "a string", comment)
        if os.environ.get(_CAPTURE, "").strip().lower() in _CAPTURE_ON:
            values[names.FEEDBACK_COMMENT] = comment
    about = listing_attributes(publisher_id, agent_id, tenant_id, event_id)
    _event(names.EVENT_FEEDBACK, about, occurred_at, values, links_to(invocation))


def record_charge(
    *,
    publisher_id: str,
    agent_id: str,
    tenant_id: str | None = None,
    usd: Usd,
    event_id: str | None = None,
    occurred_at: datetime | None = None,
) -> None:
    """Record that a tenant is charged ``usd`` US dollars outside any invocation.

    For subscriptions and the like; other arguments as of ``record_install``.

    Raises:
        ValueError: An argument is bad.
    """
    values: dict[str, AttributeValue] = {names.REVENUE_USD: usd_text(checks.usd(usd, "usd"))}
    about = listing_attributes(publisher_id, agent_id, tenant_id, event_id)
    _event(names.EVENT_CHARGE, about, occurred_at, values)


def record_refund(
    *,
    publisher_id: str,
    agent_id: str,
    tenant_id: str | None = None,
    usd: Usd,
    event_id: str | None = None,
    occurred_at: datetime | None = None,
) -> None:
    """Record that a tenant is given ``usd`` US dollars back; arguments as of ``record_charge``.

    Raises:
        ValueError: An argument is bad.
    """
    values: dict[str, AttributeValue] = {names.REFUND_USD: usd_text(checks.usd(usd, "usd"))}
    about = listing_attributes(publisher_id, agent_id, tenant_id, event_id)
    _event(names.EVENT_REFUND, about, occurred_at, values)


def record_evaluation(
    *,
    publisher_id: str,
    agent_id: str,
    tenant_id: str | None = None,
    name: str,
    score: float,
    invocation: Invocation | SpanContext | str | None = None,
    event_id: str | None = None,
    occurred_at: datetime | None = None,
) -> None:
    """Record the score, 0 (worst) to 1 (best), that the evaluation ``name`` gave.

    Other arguments as of ``record_feedback``.

    Raises:
        ValueError: An argument is bad.
    """
    values: dict[str, AttributeValue] = {
        names.EVALUATION_NAME: checks.text(name, "name"),
        names.EVALUATION_SCORE: checks.number(score, "score", 0, 1),
    }
    about = listing_attributes(publisher_id, agent_id, tenant_id, event_id)
    _event(names.EVENT_EVALUATION, about, occurred_at, values, links_to(invocation))


def listing_attributes(
    publisher_id: object, agent_id: object, tenant_id: object, event_id: object
) -> dict[str, AttributeValue]:
    """Return who an event is about.

    Raises:
        ValueError: An id is bad.
    """
    found: dict[str, AttributeValue] = {
        names.PUBLISHER_ID: checks.text(publisher_id, "publisher_id"),
        names.AGENT_ID: checks.text(agent_id, "agent_id"),
    }
    tenant = checks.optional_text(tenant_id, "tenant_id")
    if tenant is None:
        tenant = current_tenant()
    if tenant is not None:
        found[names.TENANT_ID] = tenant
    event = checks.optional_text(event_id, "event_id")
    if event is not None:
        found[names.EVENT_ID] = event
    return found


def when(occurred_at: object) -> int:
    """Return the time of an event in nanoseconds since 1970.

    Raises:
        ValueError: It is neither None nor an aware datetime.
    """
    if occurred_at is None:
        return time.time_ns()
    return checks.moment(occurred_at, "occurred_at")


def _event(
    event: str,
    about: Mapping[str, AttributeValue],
    occurred_at: object,
    values: Mapping[str, AttributeValue],
    links: Sequence[Link] = (),
) -> None:
    """Emit the zero-length span that records an event."""
    attributes = {**about, names.EVENT: event, **values}
    moment = when(occurred_at)
    try:
        span = tracing.start_span(
            f"marketplace.{event}", attributes, links=links, start_time=moment
        )
        span.end(moment)
    except Exception:  # noqa: BLE001 - telemetry never hurts the host
        note_internal_error(f"the recording of {event}")
