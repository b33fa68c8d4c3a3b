"""OpenMetrics text of a long history, in parts that each become one block of Prometheus'."""

import shutil
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from agent_analytics.demo._history._series import Series
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
    """Writes series as they come; the samples of a family end up together, as they must."""

    def __init__(self, directory: Path, scrapes: Sequence[int]) -> None:
        """Divide the scrapes into parts."""
        self._directory = directory
        self._suffixes = [f" {time}\n" for time in scrapes]
        self._parts: list[_Part] = []
        first = 0
        while first < len(scrapes):
            boundary = (scrapes[first] // BLOCK_SECONDS + 1) * BLOCK_SECONDS
            last = bisect_right(scrapes, boundary - 1)
            folder = directory / f"part-{len(self._parts)}"
            folder.mkdir(parents=True)
            self._parts.append(_Part(folder, first, last, {}))
            first = last

    def series(self, one: Series, target: Mapping[str, str]) -> None:
        """Write a series of the process that was scraped as ``target``."""
        prefix = _prefix(one.name, {**one.labels, **target})
        stop = one.first + len(one.values)
        for part in self._parts:
            low, high = max(part.first, one.first), min(part.last, stop)
            if low < high:
                values = one.values[low - one.first : high - one.first]
                lines = map(str.__add__, values, self._suffixes[low:high])
                # A prefix in front of each line, joined in one go.
                self._file(part, one.metric).write(prefix + prefix.join(lines))

    def points(
        self, metric: Metric, labels: Mapping[str, str], points: Sequence[tuple[int, float]]
    ) -> None:
        """Write a series that is not there at every scrape: values by index of the scrape."""
        prefix = _prefix(metric.name, labels)
        for part in self._parts:
            lines = [
                f"{value!r}{self._suffixes[slot]}"
                for slot, value in points
                if part.first <= slot < part.last
            ]
            if lines:
                self._file(part, metric).write(prefix + prefix.join(lines))

    def finish(self) -> Iterator[Path]:
        """Yield each part as one valid OpenMetrics file; the caller removes it."""
        for number, part in enumerate(self._parts):
            path = self._directory / f"part-{number}.txt"
            with path.open("wb") as whole:
                for name, file in part.files.items():
                    file.close()
                    metric = CATALOGUE.get(name, UP)
                    whole.write(_head(metric).encode())
                    with Path(file.name).open("rb") as lines:
                        shutil.copyfileobj(lines, whole, 1 << 20)
                whole.write(b"# EOF\n")
            shutil.rmtree(part.directory)
            yield path

    def _file(self, part: _Part, metric: Metric) -> IO[str]:
        file = part.files.get(metric.name)
        if file is None:
            path = part.directory / metric.name
            file = part.files[metric.name] = path.open("w", encoding="utf-8", buffering=1 << 18)
        return file


def _head(metric: Metric) -> str:
    return f"# TYPE {metric.family} {metric.kind}\n"


def _prefix(name: str, labels: Mapping[str, str]) -> str:
    inside = ",".join(f'{key}="{value}"' for key, value in labels.items())
    return f"{name}{{{inside}}} "
