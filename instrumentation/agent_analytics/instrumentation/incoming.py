"""What a caller's baggage may say here: nothing of ours, unless callers are trusted.

Baggage comes with requests of anybody: in a header, in the metadata of gRPC or of a message, in
``_meta`` of MCP. So whatever extracts it, a propagator of OpenTelemetry's or of others, leaves
``marketplace.*`` at the door. Baggage that this process sets itself is never looked at here.

Trusted callers (``AGENT_ANALYTICS_TRUST_INCOMING_BAGGAGE``) may name the publisher, the listing
and the tenant. A publisher that this process is configured with stays all the same, and other
entries of ``marketplace.*``, which may be figures, never come in: span processors that copy baggage
to spans would make revenue of them.
"""

# ruff: noqa: ANN401 - propagators take carriers and getters of any type

import os
from collections.abc import Callable, Iterator, Mapping
from functools import wraps
from typing import Any, Final, cast
from urllib.parse import unquote

from opentelemetry import baggage, trace
from opentelemetry.context import Context, create_key, get_current
from opentelemetry.propagators.textmap import TextMapPropagator

from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.instrumentation.vocabulary import AGENT_ID, PUBLISHER_ID, TENANT_ID

#: Says that callers are trusted, where ``configure()`` does not.
TRUST_VARIABLE: Final = "AGENT_ANALYTICS_TRUST_INCOMING_BAGGAGE"
#: Whose a process is, where neither spans, baggage nor resource say so.
PUBLISHER_VARIABLE: Final = "AGENT_ANALYTICS_PUBLISHER_ID"
_RESOURCE_VARIABLE: Final = "OTEL_RESOURCE_ATTRIBUTES"
_TRUE: Final = frozenset({"1", "on", "true", "yes"})
_PREFIX: Final = "marketplace."
_WHO: Final = frozenset({PUBLISHER_ID, AGENT_ID, TENANT_ID})
#: Key of the publisher that a caller calls itself by, trusted or not.
_CALLER_KEY: Final = create_key("agent_analytics.caller")
#: What a propagator puts in the place of what was there: baggage, and the current span.
_REPLACED: Final = frozenset(
    (
        *baggage.set_baggage(PUBLISHER_ID, "", Context()),
        *trace.set_span_in_context(trace.INVALID_SPAN, Context()),
    )
)
#: Marks what stands at the door already.
_AT_THE_DOOR: Final = "_agent_analytics_at_the_door"

_chosen: bool | None = None

Extract = Callable[..., Any]


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
    return context.get(_CALLER_KEY)


def admitted(before: Context, extracted: Context) -> Context:
    """Return ``extracted`` without what its caller has no say in.

    Args:
        before: What it was extracted into; entries that were there already stay.
        extracted: What a propagator has made of that.
    """
    known: Mapping[str, object] = baggage.get_all(before)
    came = {
        key: value
        for key, value in baggage.get_all(extracted).items()
        if is_ours(key) and value is not known.get(key)
    }
    if not came:
        return extracted
    if not _continues(before, extracted):
        known = {}
    context, claimed = extracted, came.get(PUBLISHER_ID)
    for key in came.keys() - _believed(claimed):
        context = (
            baggage.set_baggage(key, known[key], context)
            if key in known
            else baggage.remove_baggage(key, context)
        )
    return context if claimed is None else Context({**context, _CALLER_KEY: claimed})


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
    if any(own != claimed for own in _own_publishers()):
        return frozenset({TENANT_ID})
    return _WHO


def _own_publishers() -> Iterator[object]:
    """Yield the publishers that this process is configured with."""
    provider: Any = trace.get_tracer_provider()
    resource: Any = getattr(provider, "resource", None)
    attributes: Any = getattr(resource, "attributes", None)
    get: Any = getattr(attributes, "get", None)
    found: object = get(PUBLISHER_ID) if callable(get) else None
    if found is None:
        pairs = (each.partition("=") for each in os.environ.get(_RESOURCE_VARIABLE, "").split(","))
        named = {key.strip(): unquote(value.strip()) for key, _, value in pairs}
        found = named.get(PUBLISHER_ID) or os.environ.get(PUBLISHER_VARIABLE, "").strip()
    if found:
        yield found


def _stand(kind: type[TextMapPropagator]) -> None:
    """Stand at the door of a class of propagators, once."""
    extract: Any = vars(kind).get("extract")
    if not callable(extract) or getattr(extract, _AT_THE_DOOR, False):
        return

    @wraps(extract)
    def at_the_door(self: Any, *args: Any, **kwargs: Any) -> Any:
        given = kwargs.get("context") if len(args) < 2 else args[1]  # noqa: PLR2004 - the second
        before = get_current() if given is None else given
        extracted = extract(self, *args, **kwargs)
        try:
            return admitted(before, extracted) if type(extracted) is Context else extracted
        except Exception:  # noqa: BLE001 - telemetry never raises into the host
            note_internal_error("what a caller's baggage says")
            return before

    setattr(at_the_door, _AT_THE_DOOR, True)
    setattr(kind, "extract", at_the_door)  # noqa: B010 - a method, and of whatever class


def _stand_at_all(kind: type[TextMapPropagator]) -> None:
    _stand(kind)
    for each in kind.__subclasses__():
        _stand_at_all(each)


def _made(cls: type[Any], /, **arguments: Any) -> None:
    above = cast("Any", super)(TextMapPropagator, cls)
    above.__init_subclass__(**arguments)
    _stand(cls)


_stand_at_all(TextMapPropagator)  # type: ignore[type-abstract]  # none is made of it
setattr(  # noqa: B010 - a class of others that learns of its own subclasses
    TextMapPropagator, "__init_subclass__", classmethod(_made)
)
