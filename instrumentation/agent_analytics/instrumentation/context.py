"""What travels in the OpenTelemetry context: the current invocation, and the tenant as baggage."""

from types import TracebackType
from typing import Final, Protocol, cast

from opentelemetry import baggage
from opentelemetry.context import Context, attach, create_key, get_current
from opentelemetry.trace import INVALID_SPAN, Span, SpanContext, set_span_in_context

from agent_analytics.instrumentation._api import checks
from agent_analytics.instrumentation.vocabulary import AGENT_ID, PUBLISHER_ID, TENANT_ID

#: Key of the current invocation, a ``CurrentInvocation``, in an OpenTelemetry context.
INVOCATION_KEY: Final = create_key("agent_analytics.invocation")
#: Key of the innermost decorated call, by which it knows its own context again.
CALL_KEY: Final = create_key("agent_analytics.call")
#: Key of what a span of ours says, whole, in the context that the span is started in: limits of
#: the SDK cut and evict attributes, and other span processors may change them.
FACTS_KEY: Final = create_key("agent_analytics.facts")
_SCOPE_KEY: Final = create_key("agent_analytics.tenant_scope")
#: Where OpenTelemetry keeps the current span: read off the public function that puts it there, so
#: that one new dict holds all that a call adds.
(SPAN_KEY,) = set_span_in_context(INVALID_SPAN, Context())
#: Where OpenTelemetry keeps baggage: likewise.
(_BAGGAGE_KEY,) = baggage.set_baggage(TENANT_ID, "", Context())


class CurrentInvocation(Protocol):
    """What lies under ``INVOCATION_KEY``."""

    @property
    def publisher_id(self) -> str | None:
        """Publisher of the listing, own or inherited."""
        ...

    @property
    def agent_id(self) -> str | None:
        """Listing, own or inherited."""
        ...

    @property
    def tenant_id(self) -> str | None:
        """Tenant that uses the listing, where known."""
        ...

    @property
    def span_context(self) -> SpanContext:
        """Of the invocation's span."""
        ...

    @property
    def ended(self) -> bool:
        """True once over; a task that the invocation left behind still finds it here."""
        ...


def invocation_in(context: Context) -> CurrentInvocation | None:
    """Return the invocation that ``context`` belongs to, ended or not."""
    return cast("CurrentInvocation | None", context.get(INVOCATION_KEY))


def context_of_call(parent: Context, span: Span, call: object, invocation: object) -> Context:
    """Return ``parent`` with the span, the call and, unless None, the invocation in it."""
    if invocation is None:
        return Context({**parent, SPAN_KEY: span, CALL_KEY: call})
    return Context({**parent, SPAN_KEY: span, CALL_KEY: call, INVOCATION_KEY: invocation})


def _from_baggage(key: str, context: Context | None) -> str | None:
    """Return an id from baggage, if it could be one.

    It was set in this process, or by a caller whom ``incoming`` has let say so.
    """
    found = None if context is None else context.get(_BAGGAGE_KEY)
    value: object = (
        cast("dict[str, object]", found).get(key)
        if type(found) is dict  # as most versions of OpenTelemetry keep it
        else baggage.get_baggage(key, context)
    )
    if value is None:
        return None
    try:
        return checks.text(value, key)
    except ValueError:
        return None


def baggage_tenant(context: Context | None = None) -> str | None:
    """Return the tenant of the enclosing ``tenant()`` or of baggage."""
    return _from_baggage(TENANT_ID, context)


def baggage_listing(context: Context | None = None) -> tuple[str | None, str | None]:
    """Return publisher and listing from baggage."""
    return _from_baggage(PUBLISHER_ID, context), _from_baggage(AGENT_ID, context)


def current_tenant(context: Context | None = None) -> str | None:
    """Return the tenant in force: of ``tenant()`` or baggage, else of the live invocation."""
    if context is None:
        context = get_current()
    found = baggage_tenant(context)
    if found is None:
        invocation = invocation_in(context)
        if invocation is not None and not invocation.ended:
            found = invocation.tenant_id
    return found


class _Scope:
    """One entering of a ``tenant``: whose it is, and what to go back to."""

    __slots__ = ("owner", "previous")

    def __init__(self, owner: "tenant", previous: Context) -> None:
        self.owner = owner
        self.previous = previous


class tenant:  # noqa: N801 - reads as a function: with tenant("t-42"):
    """Context manager: everything inside is done for the tenant of this id.

    The id goes into baggage under ``marketplace.tenant.id``, so calls of other services carry it
    where their client propagates baggage. May be entered again and from several threads or tasks.

    Raises:
        ValueError: ``tenant_id`` is no string, blank or longer than 200 characters.
    """

    __slots__ = ("tenant_id",)

    def __init__(self, tenant_id: str) -> None:
        self.tenant_id: Final = checks.text(tenant_id, "tenant_id")

    def __enter__(self) -> None:
        current = get_current()
        entries = {**baggage.get_all(current), TENANT_ID: self.tenant_id}
        scope = _Scope(self, current)
        attach(Context({**current, _BAGGAGE_KEY: entries, _SCOPE_KEY: scope}))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        # A generator that yielded inside may be closed in a context that never entered.
        scope = get_current().get(_SCOPE_KEY)
        if isinstance(scope, _Scope) and scope.owner is self:
            attach(scope.previous)
