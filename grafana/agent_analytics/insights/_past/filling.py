"""Evaluates rules for the past and makes blocks of what Prometheus has not recorded.

What the rules read is copied from Prometheus, sample by sample, into blocks of a scratch
Prometheus, which evaluates them stage by stage at the moments at which they would have been: the
one that records is asked for samples only, and not to do the work of weeks.
"""

import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Final, cast

from agent_analytics.insights._past.blocks import SampleText, make_blocks
from agent_analytics.insights._past.over_blocks import prometheus_over
from agent_analytics.insights._past.wanted import Wanted
from agent_analytics.insights._prometheus.client import PrometheusClient, QueryFailed
from agent_analytics.insights._rules.reading import RecordingRule

#: Seconds that are read with a request, and evaluated with one.
_AT_ONCE: Final = 86_400
_TIMEOUT_SECONDS: Final = 300.0
#: What Prometheus keeps in its head at most, and the multiple at which a block of it ends.
_HEAD_SECONDS: Final = 3 * 3_600
_HEAD_ENDS: Final = 2 * 3_600


@dataclass(frozen=True, slots=True)
class Filled:
    """What came of filling a past. Times are Unix times.

    Attributes:
        samples: How many samples are in the blocks; 0 where nothing was missing.
        blocks: How many blocks were made.
        first: Time of the earliest sample; None where there are none.
        last: Time of the latest one.
        names: What was missing, and is not in whole any more.
        left: Since when something is missing still: Prometheus writes there itself.
    """

    samples: int
    blocks: int
    first: float | None
    last: float | None
    names: tuple[str, ...]
    left: float | None


#: Takes what is done now, and which share of it has been done.
Progress = Callable[[str, float], None]


def fill(client: PrometheusClient, wanted: Wanted, output: Path, progress: Progress) -> Filled:
    """Make blocks of what rules would have recorded and Prometheus does not have.

    Args:
        client: The Prometheus that records.
        wanted: What has to have a past.
        output: Where to put the blocks: a directory that is made, beside which is room.
        progress: Called as it goes on.

    Raises:
        PrometheusUnreachable: Prometheus does not answer.
        QueryFailed: It refused a query.
        ServerError: promtool or Prometheus is not installed here, or failed.
        OSError: The blocks cannot be written.
    """
    now = client.now()
    safe = _before_head(client, now)
    moments = {
        rule.name: _moments(client, wanted, rule, now) for stage in wanted.rules for rule in stage
    }
    missing = {
        name: _missing(client, name, moments[name], now - seconds)
        for name, seconds in wanted.kept.items()
    }
    writable = {name: {at for at in times if at < safe} for name, times in missing.items()}
    late = sorted(at for times in missing.values() for at in times if at >= safe)
    left = late[0] / 1000 if late else None
    if not any(writable.values()):
        return Filled(0, 0, None, None, (), left)
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".backfill-", dir=output.parent) as home:
        scratch = Path(home)
        _copy(client, wanted, scratch, now, progress)
        text = SampleText(scratch / "new")
        _evaluate(wanted.rules, moments, scratch, (text, writable), progress)
        made = scratch / "made"
        made.mkdir()
        for path in text.finish():
            make_blocks(path, made)
        blocks = sorted(made.iterdir())
        output.mkdir(exist_ok=True)
        for block in blocks:
            block.rename(output / block.name)
    return Filled(
        text.samples,
        len(blocks),
        None if text.first is None else text.first / 1000,
        None if text.last is None else text.last / 1000,
        tuple(sorted(name for name, times in writable.items() if times)),
        left,
    )


def _before_head(client: PrometheusClient, now: float) -> int:
    """Return the time in milliseconds up to which blocks may be added.

    What Prometheus has not made a block of is read from its log when it starts, but only from
    where blocks end: a block that reaches into that time would have it thrown away.
    """
    ends = math.floor((now - _HEAD_SECONDS) / _HEAD_ENDS) * _HEAD_ENDS * 1000
    try:
        head = client.status("tsdb").get("headStats")
    except QueryFailed:
        return ends
    begins = cast("dict[str, object]", head).get("minTime") if isinstance(head, dict) else None
    return min(begins, int(now * 1000)) if isinstance(begins, int) and begins > 0 else ends


@dataclass(frozen=True, slots=True)
class _Moments:
    """When a rule is evaluated: every so many milliseconds, one of them and the last."""

    step: int
    first: int
    last: int

    def since(self, seconds: float) -> Iterator[int]:
        """Yield those after a Unix time."""
        first = max(
            self.first, self.last - (self.last - int(seconds * 1000)) // self.step * self.step
        )
        yield from range(first, self.last + 1, self.step)


def _moments(client: PrometheusClient, wanted: Wanted, rule: RecordingRule, now: float) -> _Moments:
    """Return when a rule would have been evaluated: in step with what it records now, if it does.

    Rules of a group are evaluated at the same moments.
    """
    step = rule.interval * 1000
    together = [each.name for stage in wanted.rules for each in stage if each.group == rule.group]
    # Registers are many, and sort behind.
    for name in sorted(together, key=lambda name: ("registers" in name, name)):
        start = now - 2 * rule.interval
        times = [at for series in client.stored(name, start=start, end=now) for at in series.points]
        if times:
            last = round(max(times) * 1000)
            break
    else:
        last = int(now * 1000) // step * step
    back = int(wanted.back[rule.name] * 1000) // step * step
    return _Moments(step, last - back, last)


def _missing(
    client: PrometheusClient, name: str, moments: _Moments, since: float
) -> frozenset[int]:
    """Return the moments, in milliseconds, at which nothing was recorded under a name."""
    times = list(moments.since(since))
    if not times:
        return frozenset()
    window = moments.step - 1_000
    found = client.query_range(
        f"count(last_over_time({name}[{window}ms]))",
        start=times[0] / 1000,
        end=times[-1] / 1000,
        step=moments.step / 1000,
    )
    there = {round(at * 1000) for series in found for at in series.points}
    return frozenset(times) - there


def _copy(
    client: PrometheusClient, wanted: Wanted, scratch: Path, now: float, progress: Progress
) -> None:
    """Copy what the rules read into blocks."""
    text = SampleText(scratch / "read")
    for selector, seconds in wanted.inputs.items():
        start = now - seconds
        slices = math.ceil(seconds / _AT_ONCE)
        for number in range(slices):
            progress(f"reading {selector}", number / slices)
            begin = start + number * _AT_ONCE
            end = min(begin + _AT_ONCE, now)
            for series in client.stored(selector, start=begin, end=end):
                text.write(
                    series.labels["__name__"],
                    series.labels,
                    ((round(at * 1000), value) for at, value in series.points.items()),
                )
        progress(f"reading {selector}", 1.0)
    for path in text.finish():
        make_blocks(path, scratch / "data")


def _evaluate(
    stages: Sequence[Sequence[RecordingRule]],
    moments: Mapping[str, _Moments],
    scratch: Path,
    into: tuple[SampleText, Mapping[str, set[int]]],
    progress: Progress,
) -> None:
    """Evaluate rules stage by stage; write what the next stages read, and what is missing.

    Args:
        stages: The rules.
        moments: When each of them is evaluated, by what it records.
        scratch: Where the blocks of what they read are, in ``data``.
        into: Takes what was not recorded, at the moments of each name.
        progress: Called as it goes on.
    """
    text, writable = into
    data = scratch / "data"
    data.mkdir(exist_ok=True)
    for number, stage in enumerate(stages):
        recorded = SampleText(scratch / f"stage-{number}")
        read = number + 1 < len(stages)
        with prometheus_over(data) as url:
            client = PrometheusClient(url, timeout=_TIMEOUT_SECONDS)
            for rule in stage:
                times = writable.get(rule.name, set())
                for share, labels, points in _answers(client, rule, moments[rule.name]):
                    progress(f"evaluating {rule.name}", share)
                    if read:
                        recorded.write(rule.name, labels, points)
                    text.write(rule.name, labels, [each for each in points if each[0] in times])
                progress(f"evaluating {rule.name}", 1.0)
        for path in recorded.finish():
            make_blocks(path, data)


def _answers(
    client: PrometheusClient, rule: RecordingRule, moments: _Moments
) -> Iterator[tuple[float, dict[str, str], list[tuple[int, float]]]]:
    """Yield what a rule records, series by series of a day after the other, and how far that is."""
    days = range(moments.first, moments.last + 1, max(_AT_ONCE * 1000, moments.step))
    for number, start in enumerate(days):
        last = start + (days.step - 1) // moments.step * moments.step
        answer = client.query_range(
            rule.as_backfilled,
            start=start / 1000,
            end=min(last, moments.last) / 1000,
            step=moments.step / 1000,
        )
        # Under the name that is recorded, series of two names may be one.
        found: dict[tuple[tuple[str, str], ...], list[tuple[int, float]]] = {}
        for series in answer:
            labels = {**series.labels, **rule.labels}
            labels.pop("__name__", None)
            points = [(round(at * 1000), value) for at, value in series.points.items()]
            found.setdefault(tuple(labels.items()), []).extend(points)
        for labels_of, points in found.items():
            yield number / len(days), dict(labels_of), sorted(points, key=itemgetter(0))
