"""The handle by which an agent's own code speaks of the invocation that it is part of."""

from opentelemetry.context import get_current
from opentelemetry.trace import INVALID_SPAN_CONTEXT, SpanContext, format_span_id, format_trace_id

from agent_analytics.instrumentation import vocabulary as names
from agent_analytics.instrumentation._api import checks
from agent_analytics.instrumentation._calls.invocation import RunningInvocation
from agent_analytics.instrumentation._calls.ledger import Charge, Refund, Report
from agent_analytics.instrumentation._calls.outcomes import classify
from agent_analytics.instrumentation._usage.usage import Usage
from agent_analytics.instrumentation.context import invocation_in
from agent_analytics.instrumentation.health import logger

_late_logged = False


class Invocation:
    """One invocation of an agent, as its own code sees it; see ``current_invocation``.

    Outside an invocation, and once it has ended, the methods check their arguments and do nothing.
    They may be called from any thread or task of the invocation.
    """

    __slots__ = ("_call",)

    def __init__(self, call: RunningInvocation | None = None) -> None:
        self._call = call

    @property
    def publisher_id(self) -> str | None:
        """Publisher of the listing; None where unknown."""
        return None if self._call is None else self._call.publisher_id

    @property
    def agent_id(self) -> str | None:
        """Listing; None where unknown."""
        return None if self._call is None else self._call.agent_id

    @property
    def tenant_id(self) -> str | None:
        """Tenant that uses the listing; None where unknown."""
        return None if self._call is None else self._call.tenant_id

    @property
    def span_context(self) -> SpanContext:
        """Of the invocation's span; invalid where nothing is recorded."""
        return INVALID_SPAN_CONTEXT if self._call is None else self._call.span_context

    @property
    def id(self) -> str:
        """Id to store and to rate later: a W3C ``traceparent``, zeros where nothing is recorded."""
        found = self.span_context
        trace_id, span_id = format_trace_id(found.trace_id), format_span_id(found.span_id)
        return f"00-{trace_id}-{span_id}-{int(found.trace_flags) & 1:02x}"

    def add_usage(
        self,
        input_tokens: int = 0,
        output_tokens: int = 0,
        *,
        cached_input_tokens: int = 0,
        reasoning_tokens: int = 0,
        model: str | None = None,
        cost_usd: object = None,
        cache_write_input_tokens: int = 0,
        cache_write_1h_input_tokens: int = 0,
    ) -> None:
        """Add tokens that this invocation used; several calls add up, several models are kept.

        Reported usage is taken instead of what return values say.

        Args:
            input_tokens: Sent to the model: all of it, read from and written to the cache included.
            output_tokens: Received from the model, reasoning included.
            cached_input_tokens: The part of the input read from the model's cache.
            reasoning_tokens: The part of the output spent on reasoning.
            model: The model's name.
            cost_usd: What it cost in US dollars (number, decimal or string), None if not known.
            cache_write_input_tokens: The part of the input written to the model's cache.
            cache_write_1h_input_tokens: The part of that which the cache keeps for an hour.

        Raises:
            ValueError: An argument is negative, of another type or absurd, or a part of the input
                is larger than all of it.
        """
        usage = checked_usage(
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_input_tokens=cached_input_tokens,
            reasoning_tokens=reasoning_tokens,
            model=model,
            cache_write_input_tokens=cache_write_input_tokens,
            cache_write_1h_input_tokens=cache_write_1h_input_tokens,
        )
        cost_nano = None if cost_usd is None else checks.usd(cost_usd, "cost_usd")
        call = self._live()
        if call is not None:
            call.ledger.append(Report(usage, cost_nano))

    def charge(self, usd: object) -> None:
        """Charge the tenant ``usd`` US dollars for this invocation, whatever its outcome.

        Raises:
            ValueError: ``usd`` is no amount from 0 to a million.
        """
        nano = checks.usd(usd, "usd")
        call = self._live()
        if call is not None:
            call.ledger.append(Charge(nano))

    def refund(self, usd: object) -> None:
        """Give ``usd`` US dollars back to the tenant.

        Raises:
            ValueError: ``usd`` is no amount from 0 to a million.
        """
        nano = checks.usd(usd, "usd")
        call = self._live()
        if call is not None:
            call.ledger.append(Refund(nano))

    def fail(self, error_type: str | BaseException = "error") -> None:
        """Say that this invocation fails, though it may return normally; it goes on.

        Args:
            error_type: A short name of what went wrong, of few different values; or the exception,
                whose type is taken and whose text is not.

        Raises:
            ValueError: ``error_type`` is neither.
        """
        if isinstance(error_type, BaseException):
            failure = classify(error_type)
        else:
            failure = (names.ERROR, checks.text(error_type, "error_type"))
        call = self._live()
        if call is not None:
            call.failure = failure

    def _live(self) -> RunningInvocation | None:
        call = self._call
        if call is not None and call.ended:
            _log_late()
            return None
        return call


def checked_usage(
    *,
    input_tokens: object,
    output_tokens: object,
    cached_input_tokens: object,
    reasoning_tokens: object,
    model: object,
    cache_write_input_tokens: object,
    cache_write_1h_input_tokens: object,
) -> Usage:
    """Return reported usage, every field checked.

    Raises:
        ValueError: A field is no number of tokens, or the model no name; what was read from and
            written to the cache is more than the input.
    """
    sent = checks.tokens(input_tokens, "input_tokens")
    received = checks.tokens(output_tokens, "output_tokens")
    cached = checks.tokens(cached_input_tokens, "cached_input_tokens")
    written = checks.tokens(cache_write_input_tokens, "cache_write_input_tokens")
    for_an_hour = checks.tokens(cache_write_1h_input_tokens, "cache_write_1h_input_tokens")
    if cached + written > sent:
        checks.refuse(
            "input_tokens",
            f"all input, cached_input_tokens and cache_write_input_tokens ({cached + written}) "
            "included",
            input_tokens,
        )
    if for_an_hour > written:
        checks.refuse(
            "cache_write_1h_input_tokens",
            f"a part of cache_write_input_tokens ({written})",
            cache_write_1h_input_tokens,
        )
    return Usage(
        sent,
        received,
        cached,
        checks.tokens(reasoning_tokens, "reasoning_tokens"),
        checks.optional_text(model, "model"),
        written,
        for_an_hour,
    )


def _log_late() -> None:
    global _late_logged  # noqa: PLW0603 - said once per process
    if not _late_logged:
        _late_logged = True
        logger.debug("agent-analytics: an invocation that has ended was given more; ignored")


def current_invocation() -> Invocation:
    """Return the invocation that the calling code is part of.

    Never None: outside an invocation the result's methods check their arguments and do nothing.
    """
    call = invocation_in(get_current())
    return Invocation(call if isinstance(call, RunningInvocation) else None)
