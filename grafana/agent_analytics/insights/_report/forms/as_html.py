"""The page as one HTML file: no script, no request, readable in dark, light, mail and print."""

from html import escape
from importlib.resources import files
from typing import Final

from agent_analytics.insights._report.pages import text
from agent_analytics.insights._report.pages.attention import BEYOND, Attention
from agent_analytics.insights._report.pages.charts import chart_svg, spark_svg
from agent_analytics.insights._report.pages.page import Cell, Page, Section, Table, Tile
from agent_analytics.insights._rules.alerts import Insight

_NEXT: Final = "<h2>What to do next</h2>"
_AGAINST: Final = '<span class="visually-hidden"> against the period before</span>'
_WORDS: Final = {"": "", "good": "good", "bad": "over the limit", "warn": "over the limit"}


def as_html(page: Page) -> str:
    """Return a page as one HTML file."""
    page = text.harmless_throughout(page)
    title = f"{page.title}, {page.subtitle}"
    css = files("agent_analytics.insights._report.forms").joinpath("page.css").read_text("utf-8")
    charts = _Numbers()
    body = "".join(
        (
            f"<header><h1>{escape(page.title)}</h1><p class=subtitle>{escape(page.subtitle)}</p>",
            f"<p class=facts>{' · '.join(escape(fact) for fact in page.facts)}</p></header>",
            _partial(page),
            *(_section(section, charts) for section in page.lead),
            _attention(page.attention),
            *(_section(section, charts) for section in page.sections),
        )
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="referrer" content="no-referrer">\n'
        # Names come from publishers; whatever slips through may still load and run nothing.
        '<meta http-equiv="Content-Security-Policy"'
        " content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>\n{css}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


class _Numbers:
    """Numbers what needs an id."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        """Return a number that has not been given."""
        self._last += 1
        return self._last


def _partial(page: Page) -> str:
    if not page.partial:
        return ""
    items = "".join(f"<li>{_prose(sentence)}</li>" for sentence in page.partial)
    heading = "<h2>What this report does not tell</h2>"
    return f'<section class="partial">{heading}<ul>{items}</ul></section>\n'


def _attention(attention: Attention) -> str:
    tone = ' class="calm"' if attention.calm else "" if attention.insights else ' class="warn"'
    parts = [_NEXT, f"<p{tone}>{_prose(attention.note)}</p>"]
    if attention.insights:
        items = "".join(_insight(insight) for insight in attention.insights)
        parts.append(f'<ol class="insights">{items}</ol>')
    if attention.folded:
        items = "".join(_insight(insight) for insight in attention.folded)
        parts.append(
            f"<details><summary>{escape(attention.rest)}</summary>"
            f'<ol class="insights">{items}</ol></details>'
        )
    if attention.beyond:
        items = "".join(f"<li>{_prose(sentence)}</li>" for sentence in attention.beyond)
        parts.append(f'<div class="partial"><p>{escape(BEYOND)}</p><ul>{items}</ul></div>')
    if attention.ended:
        items = "".join(f"<li>{_prose(sentence)}</li>" for sentence in attention.ended)
        parts.append(
            f"<details><summary>{escape(attention.became)}</summary>"
            f'<ul class="ended">{items}</ul></details>'
        )
    return f"<section>{''.join(parts)}</section>\n"


def _insight(insight: Insight) -> str:
    where = " · ".join(
        escape(text.name(part))
        for part in (
            insight.publisher_id,
            insight.agent_id,
            insight.tool and f"tool {insight.tool}",
        )
        if part
    )
    top = text.contributors(insight.contributors)
    top = f'<p class="top">{escape(top)}</p>' if top else ""
    standing = text.standing(insight.since, reopened=insight.reopened)
    worth = " ".join(filter(None, (text.worth(insight.worth_usd_day), standing)))
    if worth:
        worth = f'<p class="advice">{escape(worth)}</p>'
    return (
        f'<li class="insight {insight.severity}"><p class="where"><span class="badge">'
        f"{insight.severity}</span> {escape(insight.category)} · {where}</p>"
        f"<h3>{_prose(insight.title)}</h3><p>{_prose(insight.description)}</p>{top}"
        f'<p class="advice"><strong>What to do:</strong> {_prose(insight.recommendation)}</p>'
        f"{worth}{_runbook(insight)}</li>"
    )


def _runbook(insight: Insight) -> str:
    notes: list[str] = []
    if insight.runbook_url:
        notes.append(f"Runbook: {_link(insight.runbook_url, insight.runbook_url)}")
    if insight.query_url:
        notes.append(f"{_link(insight.query_url, 'The course of its number')}")
    if insight.trace_id:
        notes.append(f"A trace of it: {_link(insight.trace_url, insight.trace_id)}")
    said = "".join(f'<p class="note">{note}</p>' for note in notes)
    queries = "".join(f"<pre>{escape(text.harmless(query))}</pre>" for query in insight.first_look)
    look = f"<details><summary>Look first</summary>{queries}</details>" if queries else ""
    return f"{said}{look}"


def _link(url: str, words: str) -> str:
    shown = escape(words)
    if not url.startswith(("https://", "http://")):
        return shown
    return f'<a href="{escape(url)}" rel="noreferrer">{shown}</a>'


def _prose(words: str) -> str:
    return escape(text.prose(words))


def _section(section: Section, numbers: _Numbers) -> str:
    tiles = "".join(_tile(tile) for tile in section.tiles)
    charts = "".join(
        f"<figure><h3>{escape(chart.title)}</h3>{chart_svg(chart, numbers.next())}"
        f"<figcaption>{escape(chart.summary)}</figcaption></figure>"
        for chart in section.charts
    )
    tables = "".join(_table(table) for table in section.tables)
    return (
        f"<section><h2>{escape(section.title)}</h2>"
        + (f'<dl class="tiles">{tiles}</dl>' if tiles else "")
        + (f'<div class="charts">{charts}</div>' if charts else "")
        + (f'<div class="tables">{tables}</div>' if tables else "")
        + "</section>\n"
    )


def _tile(tile: Tile) -> str:
    value = (
        '<span class="absent">not available</span>'
        if tile.value is None
        else f'<span class="{tile.tone}">{escape(tile.value)}</span>'
    )
    trend = (
        f' <span class="trend {tile.trend_tone}">{escape(tile.trend)}{_AGAINST}</span>'
        if tile.trend
        else ""
    )
    note = f'<dd class="note">{escape(tile.note)}</dd>' if tile.note else ""
    return (
        f'<div class="tile"><dt>{escape(tile.label)}</dt><dd class="value">{value}{trend}</dd>'
        f"{note}</div>"
    )


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    rows = "".join(
        f'<tr><th scope="row">{escape(row[0].text)}</th>'
        + "".join(
            _cell(cell, row[0].text, heading)
            for cell, heading in zip(row[1:], table.columns[1:], strict=True)
        )
        + "</tr>"
        for row in table.rows
    )
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    window = f' <span class="window">in {escape(table.window)}</span>' if table.window else ""
    wide = " wide" if len(table.columns) > 6 else ""  # noqa: PLR2004 - does not fit half a page
    wide += " cards" if len(table.columns) > 3 else ""  # noqa: PLR2004 - does not fit a phone
    return (
        f'<div class="table{wide}"><table><caption>{escape(table.title)}{window}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{note}</div>"
    )


def _cell(cell: Cell, row: str, heading: str) -> str:
    label = f'data-label="{escape(heading)}"'
    if cell.spark:
        return f"<td {label}>{spark_svg(cell.spark, f'Course of {row}')}</td>"
    if cell.bar is not None:
        return (
            f'<td {label} class="bar {cell.tone}"><span class="fill"'
            f' style="width:{cell.bar * 100:.1f}%"></span><span>{escape(cell.text)}</span></td>'
        )
    mark = f'<span class="visually-hidden"> ({_WORDS[cell.tone]})</span>' if cell.tone else ""
    return f'<td {label} class="{cell.tone}"><span>{escape(cell.text)}{mark}</span></td>'
