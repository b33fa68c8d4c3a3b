"""What is on a page, whichever way it is shown: tiles, charts, tables, insights."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from agent_analytics.insights._report.pages.attention import Attention

Tone = Literal["", "good", "bad", "warn"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One figure.

    Attributes:
        label: What it is.
        value: The figure in words, or None where it is not available.
        note: A few words beneath it.
        tone: How it is to be taken.
        trend: Its change against the period before, in words; empty where not known.
        trend_tone: How that is to be taken.
    """

    label: str
    value: str | None
    note: str = ""
    tone: Tone = ""
    trend: str = ""
    trend_tone: Tone = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Values day by day.

    Attributes:
        title: What they are.
        ends: When each day ended.
        values: One for each day, None where not known.
        unit: How they are written.
        summary: The chart in a sentence, for those who do not see it.
        limit: A bound to draw, in the unit of the values.
    """

    title: str
    ends: tuple[datetime, ...]
    values: tuple[float | None, ...]
    unit: Literal["count", "usd", "share", "ms"]
    summary: str
    limit: float | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    Attributes:
        text: What it says.
        tone: How it is to be taken.
        bar: Length from 0 to 1 of a bar behind it, or None.
        spark: Values of a small chart in its place.
    """

    text: str
    tone: Tone = ""
    bar: float | None = None
    spark: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table.

    Attributes:
        title: What it shows.
        columns: Headings; the first column holds names, the others numbers.
        rows: A cell for each column.
        note: A sentence beneath.
        optional: Headings of columns that a narrow page leaves out first, the last one first.
        window: The window that its numbers are of, such as ``the last 30 days``.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    optional: tuple[str, ...] = ()
    window: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page.

    Attributes:
        title: What it is about.
        tiles: Its figures.
        charts: Its charts.
        tables: Its tables.
    """

    title: str
    tiles: tuple[Tile, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything that is shown.

    Attributes:
        title: Whose report it is.
        subtitle: Of which period.
        facts: How fresh it is, in short sentences.
        partial: What it does not tell, in sentences.
        attention: Which insights fire, whether they were evaluated, and what else is bad.
        sections: The figures.
        lead: Figures in front of the insights.
    """

    title: str
    subtitle: str
    facts: tuple[str, ...]
    partial: tuple[str, ...]
    attention: Attention
    sections: tuple[Section, ...] = ()
    lead: tuple[Section, ...] = ()
