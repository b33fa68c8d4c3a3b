"""What a run does from the opening of the marketplace to the comparison at its end."""

import asyncio
import signal
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from agent_analytics.demo._market.incidents import (
    FIRST,
    LATENCY_SECONDS,
    SECOND,
    TARGET_SECONDS,
    Incident,
)
from agent_analytics.demo._market.listings import BY_KEY
from agent_analytics.demo._reconciliation.reconcile import Comparison
from agent_analytics.demo._run.prometheus import QueryError
from agent_analytics.demo._run.session import SCRAPE_SECONDS, Session, compare
from agent_analytics.demo._terminal.board import Board

#: Seconds of healthy traffic before the first burst; a third of the duration in a shorter run.
WARM_UP_SECONDS: Final = 15.0
#: How long a page is waited for before it counts as not coming.
PATIENCE_SECONDS: Final = TARGET_SECONDS + 30.0
PHASES: Final = 10
_REFRESH_SECONDS: Final = 2.0
_TICK_SECONDS: Final = 0.25

#: Busy, healthy listings, one for each starting phase; the first one's publisher has another
#: listing that fails while the first is already paged.
_PHASE_LISTINGS: Final = (
    FIRST,
    SECOND,
    *(
        BY_KEY[key]
        for key in (
            "quantfolio/portfolio-watch",
            "polyglot-press/translate",
            "fareline/fare-search",
            "medscribe/code-lookup",
            "pixelforge/alt-text",
            "codewright/pr-reviewer",
            "waypoint-travel/trip-planner",
            "orchard-grocery/meal-planner",
        )
    ),
)
_WHILE_PAGED: Final = BY_KEY["brightdesk/reply-drafter"]


class Reporter(Protocol):
    """Whoever is told how a run is going."""

    def news(self, line: str) -> None:
        """Something was planted, paged or is being waited for."""
        ...

    def board(self, board: Board, age: float, left: float | None) -> None:
        """Prometheus' figures, ``age`` seconds after the opening, ``left`` before the end."""
        ...


@dataclass(frozen=True, slots=True)
class Burst:
    """What came of a planted error burst.

    Attributes:
        key: ``publisher/agent``.
        phase: Seconds from the last scrape to its beginning, None where that was not known.
        seconds: From its beginning to the page, None where none came.
        while_paged: Another listing was already paged when it began.
    """

    key: str
    phase: float | None
    seconds: float | None
    while_paged: bool


@dataclass(slots=True)
class Outcome:
    """What came of a run.

    Attributes:
        seconds: How long there was traffic.
        board: Prometheus' last figures while there was traffic.
        bursts: Planted bursts.
        comparison: Prometheus against the ledger, None where it was not waited for.
        interrupted: Somebody pressed Ctrl-C.
        problems: What should have run or agreed, and did not.
        page_target: Seconds in which on-call has to be paged.
    """

    seconds: float = 0.0
    board: Board | None = None
    bursts: list[Burst] = field(default_factory=list[Burst])
    comparison: Comparison | None = None
    interrupted: bool = False
    problems: list[str] = field(default_factory=list[str])
    page_target: float = TARGET_SECONDS


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to do: for how long (None: until Ctrl-C), and what is planted in it."""

    duration: float | None
    incident: bool = False
    page_latency: bool = False

    @property
    def warm_up(self) -> float:
        """Seconds of healthy traffic before the first burst."""
        if self.duration is None or self.page_latency:
            return WARM_UP_SECONDS
        return min(WARM_UP_SECONDS, self.duration / 3)


async def run(session: Session, plan: Plan, reporter: Reporter) -> Outcome:
    """Run the marketplace as planned, then compare.

    Raises:
        ServerError: A server died.
    """
    outcome = Outcome(page_target=LATENCY_SECONDS if plan.page_latency else TARGET_SECONDS)
    with _interruptible(session, outcome) as give_up:
        async with session:
            watching = asyncio.create_task(_watch(session, plan, reporter, outcome))
            try:
                await _traffic(session, plan, reporter, outcome)
            finally:
                watching.cancel()
                await asyncio.wait({watching})
            if not watching.cancelled():
                watching.result()  # it never ends by itself, unless something is wrong with it
            outcome.seconds = session.age
            reporter.news("no new visits; letting the last ones end")
        reporter.news("waiting for the last scrape, then comparing with the ledger")
        comparing = asyncio.create_task(compare(session, quiet_since=time.time()))
        give_up(comparing.cancel)
        try:
            outcome.comparison = await comparing
        except asyncio.CancelledError:
            outcome.problems.append("Prometheus was not compared with the ledger: interrupted")
        except QueryError as error:
            session.servers.check()
            outcome.problems.append(f"Prometheus could not be asked: {error}")
    outcome.problems.extend(session.driver.faults)
    _judge(outcome, plan)
    return outcome


async def _traffic(session: Session, plan: Plan, reporter: Reporter, outcome: Outcome) -> None:
    planted: asyncio.Task[None] | None = None
    if plan.page_latency:
        planted = asyncio.create_task(_all_phases(session, reporter, outcome))
    elif plan.incident:
        planted = asyncio.create_task(_two_incidents(session, plan, reporter, outcome))
    try:
        while not session.stop.is_set():
            session.check()
            # Planted incidents are seen through, even beyond the duration.
            ended = plan.duration is not None and session.age >= plan.duration
            if ended and (planted is None or planted.done()):
                break
            await asyncio.sleep(_TICK_SECONDS)
    finally:
        if planted:
            planted.cancel()
            await asyncio.gather(planted, return_exceptions=True)
    if planted and not planted.cancelled() and (error := planted.exception()) is not None:
        raise error


async def _watch(session: Session, plan: Plan, reporter: Reporter, outcome: Outcome) -> None:
    while True:
        board = await session.board()
        if board is not None:
            outcome.board = board
            left = None if plan.duration is None else max(0.0, plan.duration - session.age)
            reporter.board(board, session.age, left)
        await asyncio.sleep(_REFRESH_SECONDS)


async def _two_incidents(
    session: Session, plan: Plan, reporter: Reporter, outcome: Outcome
) -> None:
    await asyncio.sleep(plan.warm_up)
    for listing, while_paged in ((FIRST, False), (SECOND, True)):
        incident = await _begin(session, listing.key, reporter)
        await _see_through(incident, None, reporter, outcome, while_paged=while_paged)


async def _all_phases(session: Session, reporter: Reporter, outcome: Outcome) -> None:
    """Let bursts begin at ten phases of the scrape cycle, and one beside a page.

    The starts are a cycle and a tenth apart, so that each listing meets its own phase; they do
    not wait for each other's pages.
    """
    await asyncio.sleep(WARM_UP_SECONDS)
    began = time.monotonic()
    ends: list[asyncio.Task[None]] = []
    second: asyncio.Task[None] | None = None
    for number, listing in enumerate(_PHASE_LISTINGS):
        due = began + number * SCRAPE_SECONDS * (1 + 1 / PHASES)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        phase = await asyncio.to_thread(_phase, session)
        incident = await _begin(session, listing.key, reporter)
        ends.append(
            asyncio.create_task(_see_through(incident, phase, reporter, outcome, while_paged=False))
        )
        if number == 0:
            second = asyncio.create_task(_beside(session, incident, reporter, outcome))
    await asyncio.gather(*ends, *([second] if second else []))


async def _beside(session: Session, first: Incident, reporter: Reporter, outcome: Outcome) -> None:
    """Let another listing of the same publisher fail once the first one has been paged."""
    await first.paged(PATIENCE_SECONDS)
    phase = await asyncio.to_thread(_phase, session)
    incident = await _begin(session, _WHILE_PAGED.key, reporter)
    await _see_through(incident, phase, reporter, outcome, while_paged=True)


async def _begin(session: Session, key: str, reporter: Reporter) -> Incident:
    incident = session.plant(BY_KEY[key])
    reporter.news(f"planted: {key} now fails, 20 of 100 calls a second")
    return incident


async def _see_through(
    incident: Incident,
    phase: float | None,
    reporter: Reporter,
    outcome: Outcome,
    *,
    while_paged: bool,
) -> None:
    await incident.paged(PATIENCE_SECONDS)
    key, seconds = incident.listing.key, incident.seconds_to_page
    outcome.bursts.append(Burst(key, phase, seconds, while_paged))
    beside = " (another was already paged)" if while_paged else ""
    if seconds is None:
        reporter.news(f"NOT PAGED: {key} after {PATIENCE_SECONDS:.0f} s{beside}")
    else:
        reporter.news(f"paged: {key} after {seconds:.1f} s{beside}")


def _phase(session: Session) -> float | None:
    """Return the seconds since the last scrape of ``/metrics``."""
    try:
        ages = [
            time.time() - target.last_scrape
            for target in session.prometheus.targets()
            if target.url.endswith("/metrics")
        ]
    except QueryError:
        return None
    return ages[0] % SCRAPE_SECONDS if ages else None


def _judge(outcome: Outcome, plan: Plan) -> None:
    """Note what should have been and was not."""
    comparison = outcome.comparison
    if comparison is not None and not comparison.equal:
        number = len(comparison.differences)
        outcome.problems.append(f"{number} answers of Prometheus differ from the ledger")
    for burst in outcome.bursts:
        if burst.seconds is None:
            outcome.problems.append(f"no page about {burst.key} arrived")
        elif burst.seconds > outcome.page_target:
            outcome.problems.append(
                f"the page about {burst.key} took {burst.seconds:.1f} s, more than"
                f" {outcome.page_target:.0f}"
            )
    wanted = _wanted_bursts(plan)
    if len(outcome.bursts) < wanted and not outcome.interrupted:
        outcome.problems.append(f"only {len(outcome.bursts)} of {wanted} bursts were seen through")


def _wanted_bursts(plan: Plan) -> int:
    if plan.page_latency:
        return PHASES + 1
    return 2 if plan.incident else 0


@contextmanager
def _interruptible(
    session: Session, outcome: Outcome
) -> Generator[Callable[[Callable[[], object]], None]]:
    """Let Ctrl-C stop the traffic, and a second one whatever is being waited for."""
    loop = asyncio.get_running_loop()
    second: list[Callable[[], object]] = []

    def interrupt() -> None:
        if outcome.interrupted:
            for act in second:
                act()
        outcome.interrupted = True
        session.stop.set()

    signals: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, interrupt)
    try:
        yield second.append
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
