"""How much of an exposition each series takes: samples, and bytes of text at their longest.

Nothing is rendered here. A line is its metric's name, its labels in UTF-8 with their escapes, and
a number that is taken to be as long as one can be: so what is reckoned for a series when it is
born is never less than what it takes later.
"""

from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

from agent_analytics.processor import catalogue
from agent_analytics.processor._series import schema
from agent_analytics.processor._series.schema import Schema, Series
from agent_analytics.processor.catalogue import OTHER, Metric

#: Bytes of a number at its longest, of the space in front of it and of the end of its line: cells
#: have 64 bits, and ``repr()`` of a number of billionths has no more than 20 characters.
NUMBER: Final = 22
#: Bytes that the names and versions of a listing share, in all its lines of ``info``.
VERSION_BYTES: Final = 512
#: Bytes of an exemplar at its longest.
EXEMPLAR_BYTES: Final = 140


class Size(NamedTuple):
    """Samples, and bytes of their text.

    Attributes:
        samples: Lines that are no comments.
        bytes: Of their text, in UTF-8.
    """

    samples: int
    bytes: int

    def __add__(self, other: tuple[int, ...]) -> "Size":  # type: ignore[override]  # sizes add up
        """Return both together."""
        return Size(self.samples + other[0], self.bytes + other[1])


NOTHING: Final = Size(0, 0)
#: What an exposition takes without any listing: comments, and the metrics about health.
OWN: Final = Size(400, 60_000)


def escaped(values: Sequence[str]) -> int:
    """Return the bytes of label values, with their escapes, in UTF-8."""
    text = "".join(values)
    special = text.count("\\") + text.count('"') + text.count("\n")
    return (len(text) if text.isascii() else len(text.encode())) + special


def cut(value: str, most: int) -> str:
    """Return as much of a label value as fits ``most`` bytes with its escapes."""
    if escaped((value,)) <= most:
        return value
    for place, character in enumerate(value):
        most -= escaped((character,))
        if most < 0:
            return value[:place]
    return value


@cache
def _labelled(names: tuple[str, ...]) -> int:
    """Return the bytes of labels without their values."""
    return len(",".join(f'{name}=""' for name in names)) + len("{}")


def sample(metric: Metric, labels: Sequence[str]) -> Size:
    """Return the size of a gauge or counter with these label values."""
    return Size(1, len(metric.name) + _labelled(metric.labels) + NUMBER + escaped(labels))


def _lines(series: Series) -> list[int]:
    """Return the bytes of each line of a series, but for the values of its block's labels."""
    metric = series.metric
    plain = _labelled(metric.labels) + sum(map(len, series.labels)) + NUMBER
    if series.form != "histogram":
        return [len(metric.name) + plain]
    edges = [*(repr(edge) for edge in metric.buckets), "+Inf"]
    bucket = len(f'{metric.name}_bucket,le=""') + plain
    ends = [len(f"{metric.name}{end}") + plain for end in ("_sum", "_count")]
    return [bucket + len(edge) for edge in edges] + ends


@cache
def _fixed(kind: Schema) -> Size:
    lines = [line for series in kind.series for line in _lines(series)]
    return Size(len(lines), sum(lines))


def _fixed_of(kinds: Sequence[Schema]) -> Size:
    size = NOTHING
    for kind in kinds:
        size += _fixed(kind)
    return size


#: What is named by the further label of a block; a block that is not here has none.
CAUSES: Final = {kind.name: kind.cause for kind in schema.KINDS if kind.cause and not kind.apart}


@cache
def _kit(versions: int) -> Size:
    """Return the size of a listing but for the values of its labels."""
    others = _fixed_of([kind.schema for kind in schema.KINDS if kind.name in CAUSES])
    size = others + Size(0, others.samples * len(OTHER))
    size += _fixed_of([kind.schema for kind in schema.KINDS if not kind.cause])
    size += sample(catalogue.ACTIVE_INSTALLS, ())
    return size + Size(versions, versions * sample(catalogue.INFO, ()).bytes + VERSION_BYTES)


def of_listing(publisher: str, agent: str, versions: int) -> Size:
    """Return the size of a listing with all that it needs so that none of its figures is lost.

    That is its own series, its ratings and first chunks, its names and versions, and an
    ``_other`` of every kind.
    """
    kit = _kit(versions)
    return Size(kit.samples, kit.bytes + kit.samples * escaped((publisher, agent)))


@cache
def _named(cause: str) -> Size:
    return _fixed_of([kind.schema for kind in schema.KINDS if kind.cause == cause])


def of_name(cause: str, labels: Sequence[str]) -> Size:
    """Return the size of the series that a name brings: a tool, a model, an error type and so on.

    Args:
        cause: What is named, as in ``agent_analytics_refused_series_total``.
        labels: Publisher, listing and name.
    """
    fixed = _named(cause)
    return Size(fixed.samples, fixed.bytes + fixed.samples * escaped(labels))


# --- releases: counted apart ----------------------------------------------------------------------

#: Bytes of a version in UTF-8, with its escapes; a longer one goes under ``_other``.
MOST_VERSION_BYTES: Final = 100
#: Part of the samples, and of the bytes, of an exposition that releases may come to beside it.
_RELEASE_SAMPLES: Final = 4
_RELEASE_BYTES: Final = 2


def of_releases(ids: Sequence[str], most: int) -> Size:
    """Return the size of the versions of a listing that are shown at once, and of ``_other``.

    Args:
        ids: Publisher and listing.
        most: How many there are at most.
    """
    fixed = _fixed(schema.RELEASE)
    each = fixed.bytes + fixed.samples * (escaped(ids) + MOST_VERSION_BYTES)
    return Size((most + 1) * fixed.samples, (most + 1) * each)


def of_all_releases(samples: int, size: int) -> Size:
    """Return what releases may come to, beside what an exposition may take."""
    return Size(samples // _RELEASE_SAMPLES, size // _RELEASE_BYTES)
