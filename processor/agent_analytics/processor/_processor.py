"""The span processor: spans in, exact series out.

The two callbacks are the core's (``_count/core``): ``on_start`` finds which way a span goes and
whom it belongs to, and keeps a node for it. ``on_end`` takes the node back and adds the span to the
cells of its listing, under one lock, as one step.
"""

import os
from collections.abc import Callable, Mapping
from time import monotonic, time

from agent_analytics.processor._caps.limits import Limits
from agent_analytics.processor._count.core import ENDED, OwnSpans
from agent_analytics.processor._lifecycle import Exposed
from agent_analytics.processor._other_routes import OtherRoutes
from agent_analytics.processor._prices.prices import Prices
from agent_analytics.processor._series.installs import Callback
from agent_analytics.processor._wiring import Wiring


class AgentMetricsProcessor(OwnSpans, Exposed):
    """Turns ended spans of agents into Prometheus series, exactly.

    Add it to a ``TracerProvider`` whose sampler records every span (``RecordAllSampler`` round
    yours; ``configure()`` does that), and expose it with ``agent_analytics.exporters``, or
    register it in a ``prometheus_client`` registry beside other metrics.

    Args:
        hold_seconds: How long a newborn series shows 0, so that its first events count in
            ``increase()``: at least this long, and until each reader has seen the zeros (or ten
            times as long, when one does not come). 0 shows every value at once.
        state_dir: Directory where series outlive the process, shared by all workers of one
            service on one machine: any of them shows the sum of all. One that cannot be used is
            logged, and series are kept in memory.
        limits: Caps on series and memory.
        take_rate: The marketplace's share of revenue, 0 to 1, or a mapping from publisher to
            share (``"*"`` for all others); counted as fees at the time of the charge.
        tenant_key: Secret that tenants are hashed with: the same in every process of a
            marketplace, and kept for longer than twice the longest window asked about.
        service: Name of the service that the state directory belongs to.
        expire_seconds: A listing that was idle for this long leaves the exposition until it is
            used again; ``None`` for never.
        active_installs: Returns active installs by publisher and agent where the marketplace
            knows them; called at each scrape, from its thread. Without, they are installs less
            uninstalls, and only shown with a state directory.
        prices: What model calls cost where nobody states it; without, their tokens are unpriced.
        clock: Seconds, monotonic; tests turn it by hand.
        wall_clock: Seconds since the epoch; decides when sketches rotate.

    Raises:
        ValueError: An argument is out of range; it is named.
    """

    def __init__(
        self,
        hold_seconds: float = 30.0,
        state_dir: str | os.PathLike[str] | None = None,
        limits: Limits | None = None,
        *,
        take_rate: float | str | Mapping[str, float | str] = 0,
        tenant_key: str | bytes | None = None,
        service: str = "",
        expire_seconds: float | None = None,
        active_installs: Callback | None = None,
        prices: Prices | None = None,
        clock: Callable[[], float] = monotonic,
        wall_clock: Callable[[], float] = time,
    ) -> None:
        parts = Wiring(
            hold_seconds,
            state_dir,
            limits,
            take_rate,
            tenant_key,
            service,
            expire_seconds,
            active_installs,
            prices,
            clock,
            wall_clock,
        )
        super().__init__(parts)
        self._clock = parts.clock
        self._tools, self._invocations = parts.tools, parts.invocations
        self._public = None if parts.readers.fast else parts.readers
        self._beginnings, self._most_open = parts.beginnings, parts.open_spans.most
        self._route, self._never = parts.routing.at_start, parts.routing.never
        self._says_nothing, self._undecided = parts.routing.says_nothing, parts.runs.undecided.spans
        self._others = OtherRoutes(parts, self.on_end, self._counted)
        self._ended = [-1] * ENDED
