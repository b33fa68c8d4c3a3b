"""The past of recording rules: what they would have recorded, had they been there.

``promtool tsdb create-blocks-from rules`` evaluates every step of ninety days, and knows neither
that a rule may read what another one records nor that a rule sees the *previous* evaluation of
those behind it in its group. So rules are evaluated here, by a real Prometheus, in stages, at the
steps at which there is something to read, and their answers become blocks as scrapes do.
"""

import json
import re
import shutil
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from agent_analytics.demo._history._clock import DAY, Clock
from agent_analytics.demo._history._server import prometheus_over
from agent_analytics.demo._history._text import BLOCK_SECONDS, prefix_of

#: Seconds after a full interval at which rules are evaluated.
OFFSET: Final = 60
_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_SELECTOR: Final = r"(?<![a-zA-Z0-9_:])%s(?![a-zA-Z0-9_:])(?:\{[^}]*\})?(?:\[[^\]]*\])?"
_DROP: Final = ":drop"
_TIMEOUT_SECONDS: Final = 300.0
_THREADS: Final = 2


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """One recording rule.

    Attributes:
        name: What it records.
        query: What it asks.
        interval: Seconds between its evaluations.
        late: Recorded series of its own group that it reads as they were an evaluation ago.
    """

    name: str
    query: str
    interval: int
    late: frozenset[str] = frozenset()

    @property
    def copies(self) -> bool:
        """Whether it records a series as it is, under another name."""
        return _NAME.fullmatch(self.query) is not None

    @property
    def reads(self) -> frozenset[str]:
        """Every word of its query, names of series among them."""
        return frozenset(_NAME.findall(self.query))

    @property
    def as_backfilled(self) -> str:
        """Its query, in a past where everything it reads is there at once."""
        query = self.query
        for name in self.late:
            pattern = _SELECTOR % re.escape(name)
            query = re.sub(pattern, rf"\g<0> offset {self.interval}s", query)
        return query


def read_rules(directory: Path) -> list[RecordingRule]:
    """Return the recording rules of a directory of rule files, as Prometheus understands them.

    Raises:
        ServerError: Prometheus is not installed, or refuses the files.
    """
    with (
        tempfile.TemporaryDirectory(prefix="agent-analytics-rules-") as empty,
        prometheus_over(Path(empty), rules=directory) as url,
        urllib.request.urlopen(f"{url}/api/v1/rules?type=record", timeout=30) as answer,  # noqa: S310
    ):
        groups = json.load(answer)["data"]["groups"]
    rules: list[RecordingRule] = []
    for group in groups:
        names = [str(rule["name"]) for rule in group["rules"]]
        for index, rule in enumerate(group["rules"]):
            words = frozenset(_NAME.findall(rule["query"]))
            late = frozenset(names[index:]) & words - frozenset(names[:index])
            rules.append(RecordingRule(names[index], rule["query"], int(group["interval"]), late))
    return rules


def stages(rules: Sequence[RecordingRule]) -> list[list[RecordingRule]]:
    """Return the rules in stages: each reads only what earlier stages have recorded.

    Raises:
        ValueError: Rules read each other in a circle.
    """
    left = list(rules)
    found: list[list[RecordingRule]] = []
    while left:
        missing = {rule.name for rule in left}
        stage = [rule for rule in left if not rule.reads & missing]
        if not stage:
            msg = f"rules that read each other: {sorted(missing)}"
            raise ValueError(msg)
        found.append(stage)
        left = [rule for rule in left if rule not in stage]
    return found


@dataclass(frozen=True, slots=True)
class Stretch:
    """Evaluations from one Unix time to another (included), so many seconds apart."""

    first: int
    last: int
    step: int


def stretches(clock: Clock, interval: int, restarts: Sequence[int] | None) -> list[Stretch]:
    """Return when a rule is evaluated: wherever something has been scraped since.

    Args:
        clock: The simulated time.
        interval: Seconds between evaluations, where every one of them has something to read.
        restarts: Leave out all but the day after each of these times; None to leave out nothing.
    """
    scrapes = clock.scrapes
    if restarts is not None:
        scrapes = tuple(time for time in scrapes if any(at <= time <= at + DAY for at in restarts))
    times = [time + OFFSET for time in scrapes if time % interval == 0]
    found: list[Stretch] = []
    for time in times:
        last = found[-1] if found else None
        block = last and last.first // BLOCK_SECONDS == time // BLOCK_SECONDS
        gap = time - last.last if last else 0
        if last and block and (last.step == gap or last.first == last.last):
            found[-1] = Stretch(last.first, time, gap)
        else:
            found.append(Stretch(time, time, interval))
    return found


class Backfill:
    """Evaluates rules of one history and writes their answers."""

    def __init__(self, url: str, clock: Clock, restarts: Sequence[int], directory: Path) -> None:
        """Ask the Prometheus at ``url``, write files into ``directory``."""
        self._url = url
        self._clock = clock
        self._restarts = restarts
        self._directory = directory
        self.samples = 0

    def stage(self, rules: Sequence[RecordingRule]) -> list[Path]:
        """Evaluate the rules of a stage; return one OpenMetrics file for each block to make."""
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True)
        files: dict[int, Path] = {}
        with ThreadPoolExecutor(_THREADS) as pool:
            for rule, answers in zip(rules, pool.map(self._evaluate, rules), strict=True):
                for block, lines in answers.items():
                    path = files.setdefault(block, self._directory / f"{block}.txt")
                    with path.open("a", encoding="utf-8") as file:
                        file.write(f"# TYPE {rule.name} gauge\n")
                        file.writelines(lines)
        for path in files.values():
            with path.open("a", encoding="utf-8") as file:
                file.write("# EOF\n")
        return list(files.values())

    def _evaluate(self, rule: RecordingRule) -> dict[int, list[str]]:
        # A level falls only where a process began anew: elsewhere there is nothing to find.
        restarts = self._restarts if rule.name.endswith(_DROP) else None
        found: dict[int, dict[str, list[str]]] = {}
        for stretch in stretches(self._clock, rule.interval, restarts):
            block = found.setdefault(stretch.first // BLOCK_SECONDS, {})
            for labels, points in self._range(rule.as_backfilled, stretch):
                prefix = prefix_of(rule.name, labels)
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
        request = urllib.request.Request(f"{self._url}/api/v1/query_range", data=body)  # noqa: S310
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            result = cast("list[dict[str, Any]]", json.load(answer)["data"]["result"])
        for series in result:
            labels = {key: value for key, value in series["metric"].items() if key != "__name__"}
            yield labels, series["values"]
