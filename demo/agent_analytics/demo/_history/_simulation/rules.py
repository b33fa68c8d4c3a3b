"""The past of recording rules: what they would have recorded, had they been there.

``promtool tsdb create-blocks-from rules`` evaluates every step of ninety days, and knows neither
that a rule may read what another one records nor that a rule sees the *previous* evaluation of
those behind it in its group. So rules are evaluated here, by a real Prometheus, in stages, at the
steps at which there is something to read, and their answers become blocks as scrapes do.
"""

import json
import shutil
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, cast

from agent_analytics.demo._history._simulation.carried import without_carried
from agent_analytics.demo._history._simulation.openmetrics import BLOCK_SECONDS, prefix_of
from agent_analytics.demo._history.clock import DAY, HOUR, Clock
from agent_analytics.insights.past import RecordingRule, link, prometheus_over

#: Seconds after a scrape at which levels are recorded.
OFFSET: Final = 60
#: The same for rules of hours. Later: an hour looked back from the same second would hold two
#: levels of the thin past, which stand for two hours.
_HOURLY_OFFSET: Final = 90
#: The same for what is evaluated at the moments that are asked about, from everything before.
_MOMENT_OFFSET: Final = 120
#: What is recorded only where a counter has begun anew.
_BEGUN: Final = (":fell", ":drop")
_TIMEOUT_SECONDS: Final = 300.0
_THREADS: Final = 2


def read_rules(directory: Path) -> list[RecordingRule]:
    """Return the recording rules of a directory of rule files, as Prometheus understands them.

    Raises:
        ServerError: Prometheus is not installed, or refuses the files.
    """
    with (
        tempfile.TemporaryDirectory(prefix="agent-analytics-rules-") as empty,
        prometheus_over(Path(empty), rules=directory) as url,
        urllib.request.urlopen(f"{url}/api/v1/rules?type=record", timeout=30) as answer,
    ):
        groups = cast("list[dict[str, Any]]", json.load(answer)["data"]["groups"])
    told = [(group, rule) for group in groups for rule in group["rules"]]
    return link(without_carried(told))


@dataclass(frozen=True, slots=True)
class Stretch:
    """Evaluations from one Unix time to another (included), so many seconds apart."""

    first: int
    last: int
    step: int


def stretches(times: Iterable[int], interval: int, phase: int, delay: int) -> list[Stretch]:
    """Return when a rule is evaluated, in as few requests as there can be.

    Args:
        times: Unix times after which something new is there to read, ascending.
        interval: Seconds between evaluations, where every one of them has something to read.
        phase: Unix time of one of these times.
        delay: Seconds from there to the evaluation.
    """
    found: list[Stretch] = []
    for time in (at + delay for at in times if (at - phase) % interval == 0):
        last = found[-1] if found else None
        block = last and last.first // BLOCK_SECONDS == time // BLOCK_SECONDS
        gap = time - last.last if last else 0
        if last and block and (last.step == gap or last.first == last.last):
            found[-1] = Stretch(last.first, time, gap)
        else:
            found.append(Stretch(time, time, interval))
    return found


def _delay(rule: RecordingRule) -> int:
    """Return how many seconds after a scrape a rule is evaluated."""
    if not rule.past:
        return _MOMENT_OFFSET
    return OFFSET if rule.interval < HOUR else _HOURLY_OFFSET


class Backfill:
    """Evaluates rules of one history and writes their answers."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        directory: Path,
        *,
        restarts: Sequence[int],
        moments: Sequence[float],
    ) -> None:
        """Evaluate rules.

        Args:
            url: The Prometheus that knows everything up to their stage.
            clock: The simulated time.
            directory: Where the answers are written.
            restarts: Unix times at which processes were restarted.
            moments: Days before the end at which rules without a past are evaluated.
        """
        self._url = url
        self._directory = directory
        self.samples = 0
        self._start, self._last = clock.start, clock.last
        midnights = range(-(-clock.start // DAY) * DAY, clock.last, DAY)
        self._scrapes = clock.scrapes
        self._always = sorted({*clock.scrapes, *midnights})
        # A level falls only where a process began anew: elsewhere there is nothing to find.
        self._fallen = [
            time for time in clock.scrapes if any(at <= time <= at + DAY for at in restarts)
        ]
        self._moments = sorted(clock.ago(days) for days in moments)

    def stage(self, rules: Sequence[RecordingRule]) -> list[Path]:
        """Evaluate the rules of a stage; return one OpenMetrics file for each block to make."""
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True)
        families: dict[tuple[int, str], list[str]] = {}
        with ThreadPoolExecutor(_THREADS) as pool:
            for rule, answers in zip(rules, pool.map(self._evaluate, rules), strict=True):
                for block, lines in answers.items():
                    families.setdefault((block, rule.name), []).extend(lines)
        paths: dict[int, Path] = {}
        for (block, name), lines in families.items():
            path = paths.setdefault(block, self._directory / f"{block}.txt")
            with path.open("a", encoding="utf-8") as file:
                file.write(f"# TYPE {name} gauge\n")
                file.writelines(lines)
        for path in paths.values():
            with path.open("a", encoding="utf-8") as file:
                file.write("# EOF\n")
        return list(paths.values())

    def _evaluate(self, rule: RecordingRule) -> dict[int, list[str]]:
        found: dict[int, dict[str, list[str]]] = {}
        phase = self._last
        if not rule.past:
            times: Sequence[int] = sorted(
                {
                    moment - int(ago)
                    for moment in self._moments
                    for ago in rule.ago
                    if moment - ago >= self._start
                }
            )
        elif rule.name.endswith(_BEGUN):
            times = self._fallen
        elif rule.interval < HOUR:
            times, phase = self._always, 0  # what closes a day is evaluated after midnight
        else:
            times = self._scrapes
        for stretch in stretches(times, rule.interval, phase, _delay(rule)):
            block = found.setdefault(stretch.first // BLOCK_SECONDS, {})
            for labels, points in self._range(rule.as_backfilled, stretch):
                prefix = prefix_of(rule.name, {**labels, **rule.labels})
                self.samples += len(points)
                lines = [f"{value} {time:.0f}\n" for time, value in points]
                # The samples of a series stand together, whatever stretches they come from.
                block.setdefault(prefix, []).append(prefix + prefix.join(lines))
        return {
            number: [line for lines in block.values() for line in lines]
            for number, block in found.items()
            if block
        }

    def _range(self, query: str, stretch: Stretch) -> Iterator[tuple[Mapping[str, str], Any]]:
        body = urllib.parse.urlencode(
            {"query": query, "start": stretch.first, "end": stretch.last, "step": stretch.step}
        ).encode()
        request = urllib.request.Request(f"{self._url}/api/v1/query_range", data=body)
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
            result = cast("list[dict[str, Any]]", json.load(answer)["data"]["result"])
        # Under the name that is recorded, series of two names may be one: `level or hourly`.
        found: dict[tuple[tuple[str, str], ...], list[Any]] = {}
        for series in result:
            labels = {key: value for key, value in series["metric"].items() if key != "__name__"}
            found.setdefault(tuple(labels.items()), []).extend(series["values"])
        for key, points in found.items():
            yield dict(key), sorted(points, key=itemgetter(0))
