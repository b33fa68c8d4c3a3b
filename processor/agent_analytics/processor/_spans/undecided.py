"""Open spans outside agents that may turn out to be one's when they end.

Code that is instrumented by hand often says what a span is after it has started, or when it ends.
What was started in such a span then waits for it, so that a run is read whole; should it end
without a word, or stay open for long, what has waited is counted as it stands.
"""

from opentelemetry import baggage
from opentelemetry.context import Context, get_current

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.context import INVOCATION_KEY
from agent_analytics.instrumentation.exact import exact_text
from agent_analytics.processor._caps.eviction import Fair
from agent_analytics.processor._count.core import Listing
from agent_analytics.processor._runs.held_runs import Held, above
from agent_analytics.processor._runs.run import Run


class Undecided:
    """An open span that has said nothing yet.

    Attributes:
        parent_id: Span that it was started in; 0 for none.
        context: What it was started in: it may say whose the span is.
        held: Runs that were started in it, have ended and wait for what the span says.
        inside: Listings of decorated invocations that ran inside.
    """

    __slots__ = ("context", "held", "inside", "parent_id")

    def __init__(self, parent_id: int, context: Context) -> None:
        self.parent_id = parent_id
        self.context = context
        self.held: Held | None = None
        self.inside: set[Listing] | None = None


def _publisher(undecided: Undecided) -> object:
    """Return whose a span is, as far as what it was started in says so."""
    invocation = undecided.context.get(INVOCATION_KEY)
    named = exact_text(getattr(invocation, "publisher_id", None))
    return named or exact_text(baggage.get_baggage(v.PUBLISHER_ID, undecided.context))


class UndecidedSpans:
    """The undecided spans by id, the oldest first; no more than ``most``.

    Beyond it the publisher who has most loses the oldest.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.spans: dict[int, Undecided] = {}
        self._fair = Fair(most, _publisher)

    def begin(self, span_id: int, parent_id: int | None, context: Context | None) -> None:
        """Take in a span that starts."""
        self.spans[span_id] = Undecided(
            parent_id or 0, get_current() if context is None else context
        )
        if len(self.spans) > self._most:
            oldest = self._fair.oldest(self.spans)
            if oldest is not None:
                self.forget(oldest)

    def forget(self, span_id: int) -> None:
        """Expect nothing more of a span; what waits for it is found out when that is tried."""
        self.spans.pop(span_id, None)

    def give_up(self, run: Run) -> None:
        """Expect nothing more of the span that a run waits for."""
        self.forget(above(run))

    def is_above(self, run: Run) -> bool:
        """Return whether the span that a run was started in may still say what it is."""
        return above(run) in self.spans

    def hold(self, run: Run) -> None:
        """Let a run wait for the span that it was started in, if that is still undecided."""
        span_id = above(run)
        undecided = self.spans.get(span_id)
        if undecided is None:
            return
        if undecided.held is None:
            undecided.held = Held(span_id)
        undecided.held.add(run)

    def hand_on(self, undecided: Undecided) -> list[Run]:
        """Let what has waited for a span that said nothing wait for the one above it.

        Returns:
            The runs, if the span above is not undecided: what becomes of them is to be found out.
        """
        if undecided.held is None:
            return []
        around = self.spans.get(undecided.parent_id)
        if around is None:
            return undecided.held.let_go(undecided.parent_id)
        if around.held is None:
            around.held = Held(undecided.parent_id)
        undecided.held.hand_on(around.held)
        return []

    def note_inside(self, span_id: int, listing: Listing) -> None:
        """Remember in a span and above that a decorated invocation of ``listing`` ran inside."""
        undecided = self.spans.get(span_id)
        while undecided is not None:
            if undecided.inside is None:
                undecided.inside = set()
            elif listing in undecided.inside:
                return  # and so it is above
            undecided.inside.add(listing)
            undecided = self.spans.get(undecided.parent_id)
