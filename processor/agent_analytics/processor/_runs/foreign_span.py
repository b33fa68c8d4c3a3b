"""Foreign spans, kept until their whole run can be understood.

What a framework's span is, and whether the agent on it is the outermost of its run, often shows
only when the spans round it have ended. So these spans are kept, in few words, until the topmost
of them ends; then the run is read as a tree (``_trees.roles``) and counted.
"""

from collections.abc import Mapping  # noqa: TC003 - read at run time by nobody, but cheap
from typing import Any, Final
from weakref import ReferenceType, ref

from opentelemetry.sdk.trace import ReadableSpan

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.exact import exact
from agent_analytics.processor import _dialects as d
from agent_analytics.processor._count.core import Listing, Node
from agent_analytics.processor._runs.run import Run
from agent_analytics.processor._runs.span_end import SpanEnd
from agent_analytics.processor._series.schema import NANO
from agent_analytics.processor._spans import marks
from agent_analytics.processor._spans.outcomes import STEERED, asked_for, full_name, outcome_by_name
from agent_analytics.processor._spans.sdk_access import (
    Attributes,
    EndFields,
    as_it_stands,
    ending,
    moment,
    origin,
)

#: As much of a span's start is kept, against the SDK's limit on attributes.
_MOST_AT_START: Final = 32
#: A longer text is content: no name, and too much to keep of a span that may never end.
_LONGEST_AT_START: Final = 256


def family_of(span: ReadableSpan) -> str:
    """Return the framework that an instrumentation belongs to, by its name."""
    scope = span.instrumentation_scope
    return _family(scope.name if scope is not None else "")


def _family(source: str) -> str:
    return source.replace("-", " ").partition(" ")[0]


class ForeignSpan(Node):
    """A foreign span, from its start until its run is counted.

    Attributes:
        span_id: Its id.
        source: Name of the instrumentation that recorded it.
        version: Version of that, if it has one.
        start_ns: When it started, in nanoseconds since 1970.
        at_start: Attributes that it had when it started.
        children: Foreign spans that were started in it.
        ended: What it has said, once it has ended.
        taken_as_ended: Whether it failed, was never ended and is taken for ended.
        settled: Whether it was counted, or found to be nothing to count.
        cut_short: Whether it stands for an invocation that was left in the middle of a call.
        role: What it is taken for in its run, a role of the dialects.
        inside: Listings of decorated invocations that ran inside.
    """

    __slots__ = (
        "_run",
        "_span",
        "_top",
        "at_start",
        "children",
        "cut_short",
        "ended",
        "inside",
        "role",
        "settled",
        "source",
        "span_id",
        "start_ns",
        "taken_as_ended",
        "version",
    )

    def __init__(
        self,
        span_id: int,
        span: ReadableSpan,
        attributes: Attributes,
        parent: Node | None,
        run: Run,
    ) -> None:
        super().__init__(marks.FOREIGN_SPAN, parent, None if parent is None else parent.listing)
        self.span_id = span_id
        self._run = run
        # Of a failed agent that nobody ends, the topmost span is all that shows that it failed.
        self._top = span if not isinstance(parent, ForeignSpan) else None
        self._span: ReferenceType[ReadableSpan] | None = ref(span)
        self.source, self.version, start = origin(span)
        self.start_ns = start or 0
        self.at_start: Mapping[str, Any] = (
            {
                key: value
                for key, value in attributes.items()
                if type(value) is not str or len(value) <= _LONGEST_AT_START
            }
            if 0 < len(attributes) <= _MOST_AT_START
            else {}
        )
        self.children: list[ForeignSpan] = []
        self.ended: SpanEnd | None = None
        self.settled = False
        self.taken_as_ended = False
        self.cut_short = False
        self.role = d.OTHER
        self.inside: set[Listing] | None = None

    @property
    def run(self) -> Run:
        """The run that it belongs to, by now: one run may be taken in by another."""
        run = self._run
        if run.into is not None:
            run = self._run = run.last()
        return run

    @property
    def span(self) -> ReadableSpan | None:
        """The span itself while it is open; below the topmost, while somebody else has it, too."""
        return None if self._span is None else self._span()

    def let_go(self) -> None:
        """Forget the span itself."""
        self._span = self._top = None

    @property
    def keeps(self) -> bool:
        """Whether it is still needed once it was counted: it may have children, or be the unit."""
        return self.ended is None or self.run.unit is self

    @property
    def family(self) -> str:
        """The framework that its instrumentation belongs to."""
        return _family(self.source)

    @property
    def speaks(self) -> bool:
        """Whether its instrumentation, or an attribute of its own, speaks of agents."""
        return d.is_known(self.source) or (self.ended is not None and self.ended.facts.speaks)

    def note_inside(self, listing: Listing) -> None:
        """Remember here and above that a decorated invocation of ``listing`` ran inside."""
        node: Node | None = self
        while isinstance(node, ForeignSpan):
            if node.inside is None:
                node.inside = set()
            elif listing in node.inside:
                return  # and so it is above
            node.inside.add(listing)
            node = node.parent

    def so_far(self) -> d.Facts | None:
        """Return what the span says so far, whoever asks; ``None`` where it is not at hand."""
        span = self.span
        return None if span is None else d.read(*as_it_stands(span), self.source)

    def read_end(self, attributes: Attributes, span: ReadableSpan, fields: EndFields) -> SpanEnd:
        """Return what the span says, as it is now."""
        if self.at_start and not self.at_start.keys() <= attributes.keys():
            attributes = {**self.at_start, **attributes}  # the SDK evicted some
        self.at_start = {}
        shape = d.shape_of(attributes)
        facts = d.read(exact(span.name), attributes, self.source, self.version, shape)
        fine, remote, events = ending(span)
        if events and facts.first_chunk is None and facts.role == d.MODEL:
            chunk = moment(d.first_chunk_at(events))
            if chunk is not None:
                facts.first_chunk = (chunk - self.start_ns) / NANO
        kept: dict[str, Any] = {key: attributes[key] for key in shape.kept}
        ended = SpanEnd(fields, facts, kept, self.source, remote=remote)
        ended.resource = getattr(span, "_resource", None)
        raised = d.failure_of(self.source, events)
        if ended.failed or facts.failed or raised is not None:
            name = raised or full_name(span, attributes)
            steers = kept.get(v.OUTCOME) is None and outcome_by_name(name, self.source) == STEERED
            kept[v.OUTCOME if steers else v.ERROR_TYPE] = v.STEERED if steers else name
            ended.failed = not steers
        else:
            if events and asked_for(span):
                kept.setdefault(v.OUTCOME, v.STEERED)
            elif facts.outcome is not None:
                kept.setdefault(v.OUTCOME, facts.outcome)
            if facts.bare:
                facts.role = d.OTHER  # one that failed may have had nothing to say
        ended.fine = fine and not ended.failed
        return ended
