"""Invocations of agents: how one starts, what is reported while it runs, how it ends."""

from collections.abc import Callable
from time import perf_counter_ns, time_ns
from typing import Final

from opentelemetry.context import Context, get_current
from opentelemetry.trace import INVALID_SPAN, Span, SpanContext, set_span_in_context
from opentelemetry.util.types import AttributeValue

from agent_analytics.instrumentation import context, mistakes, tracing
from agent_analytics.instrumentation import vocabulary as names
from agent_analytics.instrumentation._api import checks
from agent_analytics.instrumentation._calls import interrupters
from agent_analytics.instrumentation._calls.call import Call, NoCall
from agent_analytics.instrumentation._calls.ledger import Charge, Refund, Report, Totals, per_model
from agent_analytics.instrumentation._strangers.plain_data import PLAIN, PLAIN_IDS
from agent_analytics.instrumentation._usage.stream_usage import Streamed
from agent_analytics.instrumentation.exceptions import NOTHING, NotErrors
from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.instrumentation.money import usd_text

#: The tenant of a call: given, or found from the arguments of the call.
TenantSource = str | Callable[..., str | None]

NO_CALL: Final = NoCall(INVALID_SPAN, 0, {}, None, None)
_NO_PRICE: Final = -1
#: Exact types of results without usage: of a list or a tuple, what is in it may tell of some.
_TELLS_NOTHING: Final = frozenset(map(id, PLAIN - {list, tuple}))


class Listing:
    """All that is known of a decorated agent before it is called.

    Attributes:
        span_name: Name of the span of every invocation.
        attributes: What the span of every invocation says at its start.
        publisher_id: The publisher, or None to inherit it.
        agent_id: The listing, or None to inherit it.
        price_nano: Nano-dollars charged for a success; negative where no price is set.
        price_text: The price in US dollars, as the span says it.
        not_errors: Exceptions that are no errors here, beside those of every call.
        method: Name of the method that is decorated; ``None`` for anything else.
        receiver: Whether that gets its object or its class first.
    """

    __slots__ = (
        "agent_id",
        "attributes",
        "method",
        "not_errors",
        "price_nano",
        "price_text",
        "publisher_id",
        "receiver",
        "span_name",
        "tenant",
    )

    def __init__(
        self,
        *,
        publisher_id: str | None,
        agent_id: str | None,
        name: str,
        version: str | None,
        price_usd: object,
        tenant: TenantSource | None,
        not_errors: NotErrors = NOTHING,
    ) -> None:
        self.not_errors = not_errors
        self.method: str | None = None
        self.receiver = False
        self.publisher_id = checks.optional_id(publisher_id, "publisher_id")
        self.agent_id = checks.optional_id(agent_id, "agent_id")
        self.price_nano = _NO_PRICE if price_usd is None else checks.usd(price_usd, "price_usd")
        self.price_text = usd_text(max(self.price_nano, 0))
        self.tenant = tenant
        self.span_name = f"{names.INVOKE_AGENT} {name}"
        self.attributes: dict[str, AttributeValue] = {
            names.OPERATION_NAME: names.INVOKE_AGENT,
            names.AGENT_NAME: name,
        }
        if checks.optional_text(version, "version") is not None:
            self.attributes[names.AGENT_VERSION] = version
        if self.publisher_id is not None:
            if self.agent_id is None:
                self.agent_id = checks.optional_id(name or None, "agent_id, by default the name")
            self.attributes[names.PUBLISHER_ID] = self.publisher_id
        if self.agent_id is not None:
            self.attributes[names.AGENT_ID] = self.agent_id

    def start(self, args: tuple[object, ...], kwargs: dict[str, object]) -> Call:
        """Start the span of one invocation, called with these arguments."""
        try:
            current = get_current()
            enclosing = context.invocation_in(current)
            if enclosing is not None:
                if self._is_of(enclosing) and interrupters.interrupts(enclosing):
                    current, enclosing = interrupters.outside(current), None
                elif enclosing.ended:
                    # A worker that an invocation started and left behind serves others by now.
                    enclosing = None
            tenant_id = self._tenant_of(args, kwargs, current, enclosing)
            attributes = self.attributes.copy()
            subject = args[0] if self.method is not None and args else None
            outer = None
            if (
                enclosing is not None
                and subject is not None
                and self._overridden(enclosing, subject)
            ):
                outer = enclosing
                _identify(attributes, outer.publisher_id, outer.agent_id)
            if tenant_id is not None:
                attributes[names.TENANT_ID] = tenant_id
            began = time_ns()
            span = tracing.start_span(
                self.span_name, attributes, current, invocation=True, start_time=began
            )
            invocation = RunningInvocation(self, span, tenant_id)
            if outer is not None:
                invocation.publisher_id, invocation.agent_id = outer.publisher_id, outer.agent_id
            elif self.publisher_id is None or self.agent_id is None:
                invocation.inherit(current, enclosing)
            invocation.is_inner = (
                enclosing is not None
                and enclosing.agent_id == invocation.agent_id
                and enclosing.publisher_id == invocation.publisher_id
            )
            if invocation.is_inner and type(enclosing) is RunningInvocation:
                invocation.called = enclosing.called
            call = Call(span, began, attributes, invocation, current, invocation)
            call.subject = invocation.subject = subject
        except Exception:  # noqa: BLE001 - telemetry never hurts the host
            note_internal_error("the start of an invocation")
            return NO_CALL
        return call

    def _is_of(self, enclosing: context.CurrentInvocation) -> bool:
        """Tell whether a call inside an invocation is one of its listing."""
        return self.agent_id in (None, enclosing.agent_id) and self.publisher_id in (
            None,
            enclosing.publisher_id,
        )

    @property
    def _named(self) -> str:
        name = self.agent_id or self.attributes[names.AGENT_NAME]
        return f"agent {name!r}"

    def _overridden(self, enclosing: context.CurrentInvocation, subject: object) -> bool:
        """Tell whether a method with a listing of its own calls this one of its base's.

        That is inner work: the listing that was called is the other one.
        """
        return (
            isinstance(enclosing, RunningInvocation)
            and enclosing.listing is not self
            and enclosing.listing.method == self.method
            and enclosing.subject is subject
        )

    def _tenant_of(
        self,
        args: tuple[object, ...],
        kwargs: dict[str, object],
        current: Context,
        enclosing: context.CurrentInvocation | None,
    ) -> str | None:
        tenant = self.tenant
        if tenant is not None:
            if isinstance(tenant, str):
                return tenant
            # Whose the call is stays unknown where this fails; it is not guessed.
            try:
                found = tenant(*args, **kwargs)
            except Exception:  # noqa: BLE001 - an error of the user's that ends no call
                mistakes.raised("tenant=", self._named, tenant, "it is not known whose the call is")
                return None
            if found is not None:
                try:
                    return checks.text(found, "tenant")
                except ValueError:
                    mistakes.refused("tenant=", self._named, tenant, "an id or None", found)
                    return None
        inherited = context.baggage_tenant(current)
        if inherited is None and enclosing is not None:
            return enclosing.tenant_id
        return inherited


def _identify(
    attributes: dict[str, AttributeValue], publisher_id: str | None, agent_id: str | None
) -> None:
    """Put the identity of another listing in the place of one's own."""
    for key, value in ((names.PUBLISHER_ID, publisher_id), (names.AGENT_ID, agent_id)):
        attributes.pop(key, None)
        if value is not None:
            attributes[key] = value


class RunningInvocation:
    """The work of an agent's call; what ``context.INVOCATION_KEY`` leads to.

    Attributes:
        listing: The decorated agent.
        publisher_id: Publisher of the listing, own or inherited.
        agent_id: Listing, own or inherited.
        tenant_id: Tenant that uses the listing, where known.
        span: The span of the invocation.
        is_inner: Whether the same listing has called itself.
        ended: True once over.
        subject: Of a method, the object that it was called on, until it ends.
        called: What tells the calls of tools apart that it has made (``_calls.arguments``), those
            of its inner work among them.
        ledger: What was reported; appending to a list is atomic, so threads need no lock.
        failure: The outcome that was set by hand, and its error type.
        first_chunk: Seconds to the first chunk of a stream.
        streamed: What its chunks said of usage.
    """

    __slots__ = (
        "agent_id",
        "called",
        "ended",
        "failure",
        "first_chunk",
        "is_inner",
        "ledger",
        "listing",
        "publisher_id",
        "span",
        "streamed",
        "subject",
        "tenant_id",
    )

    def __init__(self, listing: Listing, span: Span, tenant_id: str | None) -> None:
        self.span = span
        self.ended = False
        self.subject: object = None
        self.listing = listing
        self.publisher_id = listing.publisher_id
        self.agent_id = listing.agent_id
        self.tenant_id = tenant_id
        self.is_inner = False
        self.called: dict[int, int] = {}
        self.ledger: list[Charge | Refund | Report] = []
        self.failure: tuple[str, str] | None = None
        self.first_chunk: float | None = None
        self.streamed: Streamed | None = None

    @property
    def not_errors(self) -> NotErrors:
        """Exceptions that are no errors in this invocation, by its decorator."""
        return self.listing.not_errors

    @property
    def span_context(self) -> SpanContext:
        """Of the invocation's span."""
        return self.span.get_span_context()

    def inherit(self, current: Context, enclosing: context.CurrentInvocation | None) -> None:
        """Take publisher and listing, where not given, from the context of the call."""
        if enclosing is not None:
            publisher_id, agent_id = enclosing.publisher_id, enclosing.agent_id
        else:
            publisher_id, agent_id = context.baggage_listing(current)
        if self.publisher_id is None:
            self.publisher_id = publisher_id
        if self.agent_id is None:
            self.agent_id = agent_id

    def chunk(self, call: Call, value: object) -> None:
        """Note the time of the first chunk, and the usage that any chunk carries."""
        if self.first_chunk is None:
            self.first_chunk = (perf_counter_ns() - call.started) / 1e9
        kind = type(value)
        if id(kind) not in PLAIN_IDS or kind is tuple:
            if self.streamed is None:
                self.streamed = Streamed()
            self.streamed.chunk(value)

    def returned(self, call: Call, result: object) -> None:
        """Do nothing: usage is read when the call ends."""

    def conclude(
        self,
        call: Call,  # noqa: ARG002 - for tools
        outcome: str,
        error_type: str | None,
        result: object,
        attributes: dict[str, AttributeValue],
    ) -> tuple[str, str | None]:
        """Add usage, money and the time to the first chunk."""
        if self.failure is not None:
            outcome, error_type = self.failure
        if self.first_chunk is not None:
            attributes[names.TIME_TO_FIRST_CHUNK] = self.first_chunk
        charged = refunded = 0
        reports: list[Report] = []
        for entry in self.ledger:
            if isinstance(entry, Report):
                reports.append(entry)
            elif isinstance(entry, Charge):
                charged += entry.nano
            else:
                refunded += entry.nano
        if reports:
            attributes[names.USAGE_OWN] = True
        elif self.streamed is not None or id(type(result)) not in _TELLS_NOTHING:
            reports = self._read(result)
        if reports:
            (model, _), totals = self._usage(reports, own=names.USAGE_OWN in attributes)
            attributes.update(totals.attributes(model))
        self._money(outcome, charged, attributes)
        if refunded:
            attributes[names.REFUND_USD] = usd_text(refunded)
        return outcome, error_type

    def _read(self, result: object) -> list[Report]:
        """Return what the result and the chunks before it say of usage."""
        streamed = self.streamed
        if streamed is None:
            streamed = Streamed()
        streamed.result(result)
        return [Report(usage) for usage in streamed.usages()]

    def _money(self, outcome: str, charged: int, attributes: dict[str, AttributeValue]) -> None:
        listing = self.listing
        has_price = listing.price_nano >= 0 and not self.is_inner
        if has_price and outcome == names.SUCCESS:
            if charged:
                attributes[names.REVENUE_USD] = usd_text(charged + listing.price_nano)
            else:
                attributes[names.REVENUE_USD] = listing.price_text
        elif charged or has_price:
            attributes[names.REVENUE_USD] = usd_text(charged)

    def _usage(self, reports: list[Report], *, own: bool) -> tuple[tuple[str | None, bool], Totals]:
        """Return the usage of the first model; each further one gets a span of its own."""
        first, *others = per_model(reports).items()
        for (model, _), totals in others:
            attributes = totals.attributes(model)
            attributes[names.EVENT] = names.EVENT_USAGE
            if own:
                attributes[names.USAGE_OWN] = True
            for key, value in (
                (names.PUBLISHER_ID, self.publisher_id),
                (names.AGENT_ID, self.agent_id),
                (names.TENANT_ID, self.tenant_id),
            ):
                if value is not None:
                    attributes[key] = value
            now = time_ns()
            tracing.start_span(
                "marketplace.usage",
                attributes,
                set_span_in_context(self.span, Context({context.INVOCATION_KEY: self})),
                start_time=now,
            ).end(now)
        return first
