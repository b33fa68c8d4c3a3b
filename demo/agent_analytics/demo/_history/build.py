"""Makes a history: the simulated past, its ground truth, and Prometheus' blocks."""

import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from agent_analytics.demo._history._simulation.exposure import Exposure
from agent_analytics.demo._history._simulation.ledger import Ledger, Window
from agent_analytics.demo._history._simulation.openmetrics import UP, Text
from agent_analytics.demo._history._simulation.population import Population
from agent_analytics.demo._history._simulation.registers import Registers
from agent_analytics.demo._history._simulation.rules import OFFSET, Backfill, read_rules
from agent_analytics.demo._history._simulation.series import Series
from agent_analytics.demo._history._simulation.simulate import simulate
from agent_analytics.demo._history._simulation.traits import Profile
from agent_analytics.demo._history._simulation.world import MOMENTS, RESTARTS, World, default_world
from agent_analytics.demo._history.clock import DAY, Clock, Pace, Run, make_clock
from agent_analytics.demo._terminal.steps import Steps
from agent_analytics.insights.past import make_blocks, prometheus_over, stages
from agent_analytics.processor import catalogue

JOB: Final = "agent-analytics"
SKETCH_JOB: Final = "agent-analytics-sketches"
#: Hours of the largest block that promtool may make.
_BLOCK_HOURS: Final = 500


@dataclass(frozen=True, slots=True)
class History:
    """A simulated past.

    Attributes:
        directory: Prometheus' data directory with its blocks.
        clock: Its time; ``clock.end`` is when to ask.
        world: What was simulated.
        ledgers: Every event, by publisher and agent.
        seconds: How long each step of making it took.
        samples: How many samples were written.
    """

    directory: Path
    clock: Clock
    world: World
    ledgers: Mapping[tuple[str, str], Ledger]
    seconds: Mapping[str, float]
    samples: int

    def window(self, days: float, *, ago: float = 0.0) -> Window:
        """Return the window of so many days that ended so many days before the end."""
        end = self.clock.last - ago * DAY
        return end - days * DAY, end


def build_history(
    directory: Path,
    *,
    seed: int,
    days: int = 91,
    end: float | None = None,
    world: World | None = None,
    pace: Pace | None = None,
    rules: Path | None = None,
    moments: Sequence[float] = (0.0,),
    steps: Steps | None = None,
) -> History:
    """Simulate a marketplace and write what Prometheus would have stored as its blocks.

    Args:
        directory: Where to put the blocks; made if need be.
        seed: Decides every draw.
        days: Length of the past. One more than the longest window that is asked about, so that
            the window has a beginning.
        end: Unix time at or before which it ends; now if None.
        world: What to simulate; the demo's marketplace if None.
        pace: How densely it is sampled.
        rules: Directory of rule files whose recording rules get a past as well; None for none.
        moments: Days before the end at which insights are going to be asked for.
        steps: Told of each step.

    Raises:
        ServerError: promtool or Prometheus is not installed, or refused something.
    """
    world = world or default_world()
    pace = pace or Pace()
    clock = make_clock(
        end=time.time() if end is None else end,
        days=days,
        pace=pace,
        moments=[moment for moment in MOMENTS if moment < days - 1],
    )
    watch = Watch()
    step = steps.step if steps else _unseen
    recording = read_rules(rules) if rules else []
    copies = {
        rule.query: rule.name
        for rule in recording
        if rule.copies and rule.past and rule.interval == pace.dense and not rule.late
    }
    directory.mkdir(parents=True, exist_ok=True)
    work = directory.parent / f"{directory.name}-text"
    writer = Writer(clock, Text(work, clock.scrapes, copies, OFFSET))
    watch.lap("rules")
    try:
        with step(f"living {days} days of {len(world.profiles)} listings"):
            ledgers = _live(world, clock, seed, writer, watch)
        with step("writing Prometheus' blocks"):
            samples = writer.finish(directory)
        watch.lap("blocks")
        done = [
            position
            for position, rule in enumerate(recording)
            if copies.get(rule.query) == rule.name
        ]
        restarts = sorted({time for host in RESTARTS for time in writer.restarts(host)})
        ahead = list(stages(recording, done))
        for number, stage in enumerate(ahead, 1):
            with step(f"evaluating rules over the past, {number} of {len(ahead)}"):
                with prometheus_over(directory) as url:
                    backfill = Backfill(url, clock, work, restarts=restarts, moments=moments)
                    files = backfill.stage([recording[position] for position in stage])
                watch.lap("evaluate")
                make_all_blocks(files, directory)
                samples += backfill.samples
                watch.lap("blocks of rules")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return History(directory, clock, world, ledgers, watch.laps, samples)


def _unseen(_what: str) -> nullcontext[None]:
    return nullcontext()


def _live(
    world: World, clock: Clock, seed: int, writer: "Writer", watch: "Watch"
) -> dict[tuple[str, str], Ledger]:
    ledgers: dict[tuple[str, str], Ledger] = {}
    population = Population(seed, clock, world.population)
    for profile in world.profiles:
        ledger = simulate(
            profile,
            clock,
            seed=seed,
            population=population,
            restarts={host: writer.restarts(host) for host in profile.hosts},
        )
        watch.lap("simulate")
        ledgers[profile.key] = ledger
        writer.listing(profile, ledger)
        watch.lap("expose")
    writer.targets(world, ledgers)
    return ledgers


def make_all_blocks(files: Iterable[Path], directory: Path) -> None:
    """Turn files of OpenMetrics text into blocks, two at a time, and remove the files."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(partial(make_blocks, directory=directory, hours=_BLOCK_HOURS), files))


class Watch:
    """Adds up how long each step takes."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, step: str) -> None:
        """Count the time since the last lap for a step."""
        now = time.perf_counter()
        self.laps[step] = self.laps.get(step, 0.0) + now - self._last
        self._last = now


class Writer:
    """Writes listings and targets as text."""

    def __init__(self, clock: Clock, text: Text) -> None:
        self._clock = clock
        self._text = text
        self._registers = Registers()

    def finish(self, directory: Path) -> int:
        """Make the blocks of everything written and return the number of samples."""
        make_all_blocks(self._text.finish(), directory)
        return self._text.samples

    def restarts(self, host: str) -> tuple[int, ...]:
        """Return when a host's process was restarted."""
        return tuple(run.end for run in self._runs(host)[:-1])

    def _runs(self, host: str) -> list[Run]:
        clock = self._clock
        start, instance = clock.start, f"{host}:9464"
        runs: list[Run] = []
        for days, name in RESTARTS.get(host, ()):
            at = clock.ago(days)
            if at > clock.start:
                runs.append(Run(instance, start, at))
                start, instance = at, name
        return [*runs, Run(instance, start, clock.last)]

    def _slots(self, run: Run) -> tuple[int, int]:
        return self._clock.slot(run.start + 1), self._clock.slot(run.end) + 1

    def listing(self, profile: Profile, ledger: Ledger) -> None:
        """Write the series of a listing."""
        own = {"publisher_id": profile.publisher, "agent_id": profile.agent}
        for index, host in enumerate(profile.hosts):
            exposure = Exposure(profile, ledger, self._clock, index)
            for run in self._runs(host):
                first, last = self._slots(run)
                for series in exposure.series(first, last):
                    self._text.series(series, {"instance": run.instance, "job": JOB})
                target = {"instance": run.instance, "job": SKETCH_JOB}
                for kind, register, points in self._registers.of_run(
                    ledger,
                    index,
                    self._clock.scrapes,
                    (first, last),
                    conversations=profile.conversational,
                ):
                    labels = {**own, "kind": kind, "register": str(register), **target}
                    self._text.points(catalogue.SKETCH_REGISTER, labels, points)

    def targets(self, world: World, ledgers: Mapping[tuple[str, str], Ledger]) -> None:
        """Write what the targets say of themselves."""
        hosts = dict.fromkeys(host for profile in world.profiles for host in profile.hosts)
        for host in hosts:
            ended = sorted(
                time
                for profile in world.profiles
                if host in profile.hosts
                for time, on in zip(
                    ledgers[profile.key].invocations.time,
                    ledgers[profile.key].invocations.host,
                    strict=True,
                )
                if profile.hosts[on] == host
            )
            for run in self._runs(host):
                first, last = self._slots(run)
                ones = ["1"] * (last - first)
                for job in (JOB, SKETCH_JOB):
                    target = {"instance": run.instance, "job": job}
                    self._text.series(Series(UP, UP.name, {}, first, ones), target)
                target = {"instance": run.instance, "job": JOB}
                for series in _health(self._clock.scrapes, ended, run, first, last):
                    self._text.series(series, target)


def _health(
    scrapes: tuple[int, ...], ended: list[float], run: Run, first: int, last: int
) -> Iterator[Series]:
    """Yield the health of one process: what it has read, and that nothing went wrong."""
    zeros = ["0"] * (last - first)
    for metric in catalogue.HEALTH_METRICS:
        if not metric.labels and metric is not catalogue.LAST_SPAN:
            yield Series(metric, metric.name, {}, first, zeros)
    # All of the past is counted as now: a demo that goes on from it compares with it.
    revision = {"revision": str(catalogue.ACCOUNTING_REVISION)}
    ones = ["1"] * (last - first)
    yield Series(catalogue.ACCOUNTING, catalogue.ACCOUNTING.name, revision, first, ones)
    latest: list[str] = []
    counts: list[str] = []
    position = start = _position(ended, run.start)
    for scrape in scrapes[first:last]:
        while position < len(ended) and ended[position] <= scrape:
            position += 1
        counts.append(str(position - start))
        if position > start:
            latest.append(repr(round(ended[position - 1], 3)))
    yield Series(catalogue.SPANS, catalogue.SPANS.name, {"kind": "invocation"}, first, counts)
    name = catalogue.LAST_SPAN.name
    yield Series(catalogue.LAST_SPAN, name, {}, last - len(latest), latest)


def _position(times: list[float], start: float) -> int:
    return next((index for index, time in enumerate(times) if time > start), len(times))
