"""OpenMetrics text of a long history, in parts that each become one block of Prometheus'."""

import shutil
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from agent_analytics.demo._history._simulation.series import Series
from agent_analytics.processor.catalogue import CATALOGUE, Metric

#: Blocks begin at multiples of this. It is one of the ranges that promtool knows (two hours times
#: a power of three), so that a part becomes exactly one block and is read twice only.
BLOCK_SECONDS: Final = 486 * 3600
#: What Prometheus adds itself when it scrapes.
UP: Final = Metric("up", "gauge", "1 where the last scrape worked.", ("job", "instance"))


@dataclass(slots=True)
class _Part:
    """One part: its scrapes, and a file for each family while it is written."""

    directory: Path
    first: int
    last: int
    files: dict[str, IO[str]]


class Text:
    """Writes series as they come; the samples of a family end up together, as they must.

    Attributes:
        samples: How many samples have been written.
    """

    def __init__(
        self, directory: Path, scrapes: Sequence[int], copies: Mapping[str, str], delay: int
    ) -> None:
        """Divide the scrapes into parts.

        Args:
            directory: Where the parts are written.
            scrapes: Unix times of all scrapes.
            copies: Names under which rules record samples as they are, by names of samples.
            delay: Seconds after a scrape at which they do.
        """
        self._directory = directory
        self._copies = copies
        self._later = [f" {time + delay}\n" for time in scrapes]
        self._suffixes = [f" {time}\n" for time in scrapes]
        self._parts: list[_Part] = []
        self.samples = 0
        first = 0
        while first < len(scrapes):
            boundary = (scrapes[first] // BLOCK_SECONDS + 1) * BLOCK_SECONDS
            last = bisect_right(scrapes, boundary - 1)
            folder = directory / f"part-{len(self._parts)}"
            folder.mkdir(parents=True)
            self._parts.append(_Part(folder, first, last, {}))
            first = last

    def series(self, one: Series, target: Mapping[str, str]) -> None:
        """Write a series of the process that was scraped as ``target``, and its copy if any."""
        labels = {**one.labels, **target}
        self._write(one.metric.name, prefix_of(one.name, labels), one, self._suffixes)
        copy = self._copies.get(one.name)
        if copy:
            self._write(copy, prefix_of(copy, labels), one, self._later)

    def _write(self, family: str, prefix: str, one: Series, suffixes: Sequence[str]) -> None:
        stop = one.first + len(one.values)
        self.samples += len(one.values)
        for part in self._parts:
            low, high = max(part.first, one.first), min(part.last, stop)
            if low < high:
                values = one.values[low - one.first : high - one.first]
                lines = map(str.__add__, values, suffixes[low:high])
                # A prefix in front of each line, joined in one go.
                self._file(part, family).write(prefix + prefix.join(lines))

    def points(
        self, metric: Metric, labels: Mapping[str, str], points: Sequence[tuple[int, float]]
    ) -> None:
        """Write a series that is not there at every scrape: values by index of the scrape."""
        prefix = prefix_of(metric.name, labels)
        self.samples += len(points)
        for part in self._parts:
            lines = [
                f"{value!r}{self._suffixes[slot]}"
                for slot, value in points
                if part.first <= slot < part.last
            ]
            if lines:
                self._file(part, metric.name).write(prefix + prefix.join(lines))

    def finish(self) -> Iterator[Path]:
        """Yield each part as one file for promtool; the caller removes it.

        Samples stand series by series, as backfilling wants them, and not scrape by scrape.
        """
        for number, part in enumerate(self._parts):
            path = self._directory / f"part-{number}.txt"
            with path.open("wb") as whole:
                for name, file in part.files.items():
                    file.close()
                    whole.write(_head(name).encode())
                    with Path(file.name).open("rb") as lines:
                        shutil.copyfileobj(lines, whole, 1 << 20)
                whole.write(b"# EOF\n")
            shutil.rmtree(part.directory)
            yield path

    @staticmethod
    def _file(part: _Part, family: str) -> IO[str]:
        file = part.files.get(family)
        if file is None:
            path = part.directory / family
            file = part.files[family] = path.open("w", encoding="utf-8", buffering=1 << 18)
        return file


def _head(name: str) -> str:
    metric = UP if name == UP.name else CATALOGUE.get(name)
    return f"# TYPE {metric.family} {metric.kind}\n" if metric else f"# TYPE {name} gauge\n"


def prefix_of(name: str, labels: Mapping[str, str]) -> str:
    """Return a line of OpenMetrics up to its value; no label needs an escape."""
    inside = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return f"{name}{{{inside}}} "
