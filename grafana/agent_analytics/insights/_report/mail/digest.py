"""A report as a mail: three things to do and the main figures, with the whole page attached."""

from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from html import escape
from typing import Final

from agent_analytics.insights._report.forms.as_html import as_html
from agent_analytics.insights._report.pages import text
from agent_analytics.insights._report.pages.attention import BEYOND, Attention
from agent_analytics.insights._report.pages.page import Page, Tile
from agent_analytics.insights._rules.alerts import Insight

#: How many things to do are in the mail itself; the attached page has the others.
MOST: Final = 3
#: Sections whose tiles are the mail's figures, beside those in front of the insights.
_FIGURES: Final = ("Usage", "Quality", "Revenue")


def digest(page: Page, *, sender: str, to: Sequence[str], file: str) -> EmailMessage:
    """Return the mail of a report.

    Args:
        page: The report.
        sender: Address of whoever sends the mail.
        to: Addresses of its readers.
        file: Name of the attached page.
    """
    page = text.harmless_throughout(page)
    mail = EmailMessage()
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    mail["Subject"] = text.prose(f"{page.title}: {_subject(page.attention)}")
    mail["Date"] = formatdate(localtime=False)
    # A name of this machine would be in the identification else.
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    mail.set_content(_plain(page, file))
    mail.add_alternative(_html(page, file), subtype="html")
    mail.add_attachment(as_html(page), subtype="html", filename=file)
    return mail


def _subject(attention: Attention) -> str:
    number = len(attention.insights) + len(attention.folded)
    if number:
        return f"{number:,} thing{'s' if number > 1 else ''} to do"
    return "nothing to do" if attention.calm else "the report"


def _tiles(page: Page) -> Iterator[Tile]:
    """Return the figures of the mail: those that are known."""
    of_period = (section for section in page.sections if section.title in _FIGURES)
    for section in (*page.lead, *of_period):
        for tile in section.tiles:
            if tile.value is not None:
                yield tile


def _todo(attention: Attention) -> tuple[Sequence[Insight], str]:
    """Return the first things to do, and a line about those that are in the attached page."""
    everything = (*attention.insights, *attention.folded)
    more = len(everything) - MOST
    return everything[:MOST], f"{more:,} more in the attached page." if (more > 0) else ""


def _where(insight: Insight) -> str:
    tool = f"tool {insight.tool}" if insight.tool else ""
    parts = (insight.publisher_id, insight.agent_id, tool)
    return " · ".join(text.name(part) for part in parts if part)


def _advice(insight: Insight) -> list[str]:
    """Return what is to be said of an insight, a line each."""
    worth = text.worth(insight.worth_usd_day)
    top = text.contributors(insight.contributors)
    standing = text.standing(insight.since, reopened=insight.reopened)
    return [
        text.prose(insight.description),
        *([top] if top else []),
        f"What to do: {text.prose(insight.recommendation)}",
        *([worth] if worth else []),
        *([standing] if standing else []),
        *([f"A trace of it: {text.prose(insight.trace_id)}"] if insight.trace_id else []),
    ]


def _last(file: str) -> str:
    return f"Attached: {file}, the whole report. It opens in any browser and loads nothing."


def _plain(page: Page, file: str) -> str:
    attention = page.attention
    first, more = _todo(attention)
    lines = [page.title, page.subtitle, *page.facts, *page.partial, "", "What to do next", ""]
    lines.append(text.prose(attention.note))
    for number, insight in enumerate(first, 1):
        lines += ["", f"{number}. {insight.severity.upper()}: {text.prose(insight.title)}"]
        lines.append(f"   {_where(insight)}")
        lines += [f"   {line}" for line in _advice(insight)]
    lines += ["", more] if more else []
    if attention.beyond:
        lines += ["", BEYOND, *(text.prose(sentence) for sentence in attention.beyond)]
    if attention.ended:
        lines += ["", f"{attention.became}:", *(text.prose(each) for each in attention.ended)]
    lines += ["", "Figures", ""]
    tiles = list(_tiles(page))
    width = max((len(tile.label) for tile in tiles), default=0)
    for tile in tiles:
        lines.append(f"{tile.label:<{width}}  {' '.join(_words(tile))}")
    return "\n".join((*lines, "", _last(file), ""))


def _words(tile: Tile) -> Iterator[str]:
    yield tile.value or text.ABSENT
    if tile.trend:
        yield f"({tile.trend} against the period before)"
    if tile.note:
        yield f"[{tile.note}]"


def _html(page: Page, file: str) -> str:
    """Return the same with headings and lists alone: mail programs take out most else."""
    attention = page.attention
    first, more = _todo(attention)
    items = "".join(
        f"<li><p><strong>{insight.severity}: {escape(text.prose(insight.title))}</strong><br>"
        f"{escape(_where(insight))}</p>"
        f"<p>{'<br>'.join(escape(line) for line in _advice(insight))}</p></li>"
        for insight in first
    )
    rows = "".join(
        f'<tr><th scope="row" align="left">{escape(tile.label)}</th>'
        f"<td>{escape(' '.join(_words(tile)))}</td></tr>"
        for tile in _tiles(page)
    )
    sentences = (*page.facts, *page.partial)
    became = (f"{attention.became}:", *(text.prose(each) for each in attention.ended))
    beyond = (BEYOND, *(text.prose(each) for each in attention.beyond))
    return "".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f"<title>{escape(page.title)}</title></head><body>",
            f"<h1>{escape(page.title)}</h1><p>{escape(page.subtitle)}</p>",
            f"<p>{'<br>'.join(escape(each) for each in sentences)}</p>",
            f"<h2>What to do next</h2><p>{escape(text.prose(attention.note))}</p>",
            f"<ol>{items}</ol>" if items else "",
            f"<p>{escape(more)}</p>" if more else "",
            f"<p>{'<br>'.join(map(escape, beyond))}</p>" if attention.beyond else "",
            f"<p>{'<br>'.join(map(escape, became))}</p>" if attention.ended else "",
            f"<h2>Figures</h2><table>{rows}</table>" if rows else "",
            f"<p>{escape(_last(file))}</p></body></html>",
        )
    )
