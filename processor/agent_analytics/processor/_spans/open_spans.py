"""The spans that have started and not ended: found by id, bounded in number and age."""

from collections.abc import Callable
from threading import RLock

from agent_analytics.processor._caps.eviction import Fair
from agent_analytics.processor._caps.limits import Limits
from agent_analytics.processor._count.core import Listing, Node
from agent_analytics.processor._runs.ends import publisher_of
from agent_analytics.processor._series import health as _health
from agent_analytics.processor._series.health import Health
from agent_analytics.processor._spans import marks


class OpenSpans:
    """Nodes of open spans in the order in which they started.

    Beyond the cap the oldest of the publisher who has most is given up: nobody's open spans push
    out anybody else's.

    A span that is given up here and ends after all is counted like any other then, only that it
    has lost its place among its parents.

    Attributes:
        nodes: Nodes by span id; the hot path reads and writes it directly.
        most: How many there may be.
    """

    def __init__(
        self,
        limits: Limits,
        health: Health,
        lock: RLock,
        clock: Callable[[], float],
        leave: Callable[[Listing], None],
    ) -> None:
        self.nodes: dict[int, Node] = {}
        self.most = limits.open_spans
        self._fair = Fair[Node](self.most, publisher_of)
        self._max_age = limits.open_span_seconds
        self._health = health
        self._lock = lock
        #: Takes an invocation out of the gauge of those in progress.
        self._leave = leave
        #: Called with each node that is given up, and whether it is counted later.
        self.on_give_up: Callable[[Node, bool], None] | None = None
        self._clock = clock

    def give_up_oldest(self, newest: Node) -> None:
        """Give up the oldest of the publisher who has most, until there are few enough.

        Args:
            newest: The span that has just started; its publisher's thread counts nothing of
                others' that is given up.
        """
        own = publisher_of(newest)
        while len(self.nodes) > self.most:
            with self._lock:
                oldest = self._fair.oldest(self.nodes)
            node = self.nodes.get(oldest) if oldest is not None else None
            if oldest is not None and node is not None:
                self._give_up(oldest, later=publisher_of(node) != own)

    def give_up_aged(self) -> None:
        """Give up the spans that started too long ago."""
        horizon = self._clock() - self._max_age
        while (oldest := self._oldest()) is not None:
            span_id, node = oldest
            if node.started >= horizon:
                return
            self._give_up(span_id, later=True)

    def _oldest(self) -> tuple[int, Node] | None:
        """Return the open span that started first; spans come and go meanwhile."""
        while True:
            try:
                return next(iter(self.nodes.items()), None)
            except RuntimeError:  # another thread added one between the two steps
                continue

    def _give_up(self, span_id: int, *, later: bool) -> None:
        node = self.nodes.pop(span_id, None)
        if node is None or getattr(node, "span_id", span_id) != span_id:
            return  # a span of no agent, which stood for the one that it was started in
        with self._lock:
            self._health.cells[_health.GIVEN_UP] += 1
        # A foreign run has its own way out of the gauge.
        if node.kind == marks.INVOCATION and type(node) is Node and node.listing is not None:
            self._leave(node.listing)
        if self.on_give_up is not None:
            self.on_give_up(node, later)
