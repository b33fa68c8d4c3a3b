"""What a caller's baggage may say here: nothing of ours, unless callers are trusted.

Baggage comes with requests of anybody: in a header, in the metadata of gRPC or of a message, in
``_meta`` of MCP. So whatever extracts it, a propagator of OpenTelemetry's or of others, leaves
``marketplace.*`` at the door, where ``_strangers.baggage_entry`` stands. Baggage that
this process sets itself is believed.

Trusted callers (``AGENT_ANALYTICS_TRUST_INCOMING_BAGGAGE``) may name the publisher, the listing
and the tenant. A publisher that this process is configured with stays all the same, and other
entries of ``marketplace.*``, which may be figures, never come in: span processors that copy baggage
to spans would make revenue of them.
"""

import os
from collections.abc import Mapping
from typing import Any, Final, cast
from urllib.parse import unquote

from opentelemetry import baggage, trace
from opentelemetry.context import Context, create_key

from agent_analytics.instrumentation.vocabulary import AGENT_ID, PUBLISHER_ID, TENANT_ID

#: Says that callers are trusted, where ``configure()`` does not.
TRUST_VARIABLE: Final = "AGENT_ANALYTICS_TRUST_INCOMING_BAGGAGE"
#: Whose a process is, where neither spans, baggage nor resource say so.
PUBLISHER_VARIABLE: Final = "AGENT_ANALYTICS_PUBLISHER_ID"
_RESOURCE_VARIABLE: Final = "OTEL_RESOURCE_ATTRIBUTES"
_TRUE: Final = frozenset({"1", "on", "true", "yes"})
_PREFIX: Final = "marketplace."
_WHO: Final = frozenset({PUBLISHER_ID, AGENT_ID, TENANT_ID})
#: Key of what a caller says of who it is, trusted or not.
_CLAIMS_KEY: Final = create_key("agent_analytics.claims")
#: What a propagator puts in the place of what was there: baggage, and the current span.
_REPLACED: Final = frozenset(
    (
        *baggage.set_baggage(PUBLISHER_ID, "", Context()),
        *trace.set_span_in_context(trace.INVALID_SPAN, Context()),
    )
)
_chosen: bool | None = None


def trust(*, chosen: bool | None) -> bool | None:
    """Trust callers, or do not, from now on; return what was so before.

    Args:
        chosen: None leaves it to ``AGENT_ANALYTICS_TRUST_INCOMING_BAGGAGE``.
    """
    global _chosen
    before, _chosen = _chosen, chosen
    return before


def is_ours(key: str) -> bool:
    """Tell whether an entry of baggage is one of ``marketplace.*``.

    A receiver strips blanks from keys, so " marketplace." would arrive as "marketplace.".
    """
    return key.strip().lower().startswith(_PREFIX)


def caller(context: Context) -> object:
    """Return the publisher that a caller says it is, or None.

    It is a claim: it credits nobody with anything.
    """
    return _claims(context).get(PUBLISHER_ID)


def admitted(before: Context, extracted: Context) -> Context:
    """Return ``extracted`` without what its caller has no say in.

    Args:
        before: What it was extracted into; entries that were there already stay.
        extracted: What a propagator has made of that.
    """
    known: Mapping[str, object] = baggage.get_all(before)
    came = ours_of(known, baggage.get_all(extracted))
    if not came:
        return extracted
    if not _continues(before, extracted):
        known = {}
    context = extracted
    for key in came.keys() - _believed(came.get(PUBLISHER_ID)):
        context = (
            baggage.set_baggage(key, known[key], context)
            if key in known
            else baggage.remove_baggage(key, context)
        )
    return _with_claims(came, context)


def ours_of(known: Mapping[str, object], entries: Mapping[str, object]) -> dict[str, object]:
    """Return the entries of ``marketplace.*`` that are not known already."""
    return {
        key: value for key, value in entries.items() if value is not known.get(key) and is_ours(key)
    }


def admitted_entries(
    before: Context, came: Mapping[str, object], entries: Mapping[str, object]
) -> tuple[dict[str, object], Context]:
    """Return the baggage and the context that are left where an entry or more are extracted.

    Args:
        before: What they are extracted into.
        came: Those of ours among them.
        entries: The baggage with them.
    """
    known: Mapping[str, object] = baggage.get_all(before)
    context = _with_claims(came, before)
    claims = _claims(context)
    left = {key: value for key, value in entries.items() if key not in came}
    left |= {key: known[key] for key in came if key in known}
    # A listing may have come before the publisher by which it counts.
    for key in _believed(claims.get(PUBLISHER_ID)):
        if key in claims and (key in came or key not in known):
            left[key] = claims[key]
    return left, context


def _claims(context: Context) -> dict[str, object]:
    return cast("dict[str, object]", context.get(_CLAIMS_KEY, {}))


def _with_claims(came: Mapping[str, object], context: Context) -> Context:
    claims = {**_claims(context), **{key: came[key] for key in _WHO if key in came}}
    return Context({**context, _CLAIMS_KEY: claims}) if claims else context


def _continues(before: Context, extracted: Context) -> bool:
    """Tell whether ``extracted`` goes on from ``before``: some propagators begin anew."""
    return all(extracted.get(key) is value for key, value in before.items() if key not in _REPLACED)


def _believed(claimed: object) -> frozenset[str]:
    """Return the keys that count where a caller says that it is this publisher."""
    trusted = _chosen
    if trusted is None:
        trusted = os.environ.get(TRUST_VARIABLE, "").strip().lower() in _TRUE
    if not trusted:
        return frozenset()
    own = _own_publisher()
    return _WHO if own is None or own == claimed else frozenset({TENANT_ID})


def _own_publisher() -> object:
    """Return the publisher that this process is configured with, or None."""
    provider: Any = trace.get_tracer_provider()
    resource: Any = getattr(provider, "resource", None)
    attributes: Any = getattr(resource, "attributes", None)
    get: Any = getattr(attributes, "get", None)
    found: object = get(PUBLISHER_ID) if callable(get) else None
    if found is None:
        pairs = (each.partition("=") for each in os.environ.get(_RESOURCE_VARIABLE, "").split(","))
        named = {key.strip(): unquote(value.strip()) for key, _, value in pairs}
        found = named.get(PUBLISHER_ID) or os.environ.get(PUBLISHER_VARIABLE, "").strip()
    return found or None
