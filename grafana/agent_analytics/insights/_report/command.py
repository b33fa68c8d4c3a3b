"""The command ``agent-analytics report``."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol

from rich.console import Console

from agent_analytics.insights._prometheus.asking import (
    AUTHORIZATION,
    URL,
    add_asked,
    headers_of,
)
from agent_analytics.insights._prometheus.client import AnalyticsError, PrometheusUnreachable
from agent_analytics.insights._report.answers.marketplace import MarketplaceAnalytics
from agent_analytics.insights._report.answers.model import (
    MarketplaceDashboard,
    NoData,
    PublisherDashboard,
    UnknownPublisher,
)
from agent_analytics.insights._report.answers.publisher import PublisherAnalytics
from agent_analytics.insights._report.forms.as_terminal import print_page
from agent_analytics.insights._report.forms.render import FORMATS, Format, Report, render
from agent_analytics.insights._report.mail.digest import digest
from agent_analytics.insights._report.mail.server import (
    Mailing,
    NotMailedError,
    add_mail,
    mailing,
    send,
)
from agent_analytics.insights._report.nearest import instead_of
from agent_analytics.insights._report.pages.text import prose
from agent_analytics.insights._rules.alerts import Insight

_DOCTOR: Final = "`agent-analytics doctor`"
_LONGEST_DAYS: Final = 3650
_FILE_WIDTH: Final = 100
_RUNBOOKS: Final = "AGENT_ANALYTICS_RUNBOOKS"

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
UNKNOWN: Final = 3
EMPTY: Final = 4


class Commands(Protocol):
    """What argparse returns for subcommands; its own class is private."""

    def add_parser(
        self,
        name: str,
        *,
        help: str,  # noqa: A002 - argparse's name
        description: str,
        epilog: str,
        formatter_class: type[argparse.RawDescriptionHelpFormatter],
    ) -> argparse.ArgumentParser:
        """Add a subcommand."""
        ...


_DESCRIPTION: Final = """\
What a publisher (or, with --marketplace, the operator) wants to know of a period: usage,
quality, revenue, tools, trends, and what to do next. Everything is read from Prometheus.
"""
_EPILOG: Final = f"""\
examples:
  agent-analytics report acme                        a page on the terminal
  agent-analytics report acme --output acme.html     a page for a browser
  agent-analytics report acme --format csv           one row per listing
  agent-analytics report --marketplace --days 90     the operator's figures
  agent-analytics report acme --days 7 --mail-to agents@acme.example \\
      --smtp mail.example:587 --smtp-from agents@marketplace.example
                                                     three things to do, by mail

environment:
  {URL}                 default of --prometheus
  {AUTHORIZATION}   sent as the header Authorization, such as "Bearer …"
  {_RUNBOOKS}                   default of --runbooks

exit status:
  0  the report was written, or mailed
  1  Prometheus does not answer or refuses, the file cannot be written, or no mail server
     takes the report
  2  the command line is wrong
  3  Prometheus knows no listing of this publisher
  4  there is no data, or nothing happened in the period (the report is written, if there is one)
"""


def add_report(commands: Commands) -> None:
    """Add the command to those of a program; its namespace then goes to :func:`report`."""
    parser = commands.add_parser(
        "report",
        help="the figures and insights of a publisher or of the marketplace",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("publisher", nargs="?", metavar="PUBLISHER", help="id of the publisher")
    parser.add_argument(
        "--marketplace", action="store_true", help="report on the whole marketplace instead"
    )
    parser.add_argument(
        "--days", type=_days, default=30, metavar="N", help="length of the period (default: 30)"
    )
    parser.add_argument(
        "--at",
        type=_time,
        metavar="TIME",
        help="end of the period, ISO 8601, UTC unless it says otherwise (default: now)",
    )
    add_asked(parser)
    parser.add_argument(
        "--min-tenants",
        type=int,
        default=0,
        metavar="K",
        help="leave out how tenants behave where fewer than K use a listing (default: 0)",
    )
    parser.add_argument(
        "--format", choices=FORMATS, help="default: by the name of the file, else terminal"
    )
    parser.add_argument(
        "--runbooks",
        default=os.environ.get(_RUNBOOKS) or None,
        metavar="URL",
        help="where the pages of docs/runbooks are served (default: what the alerts link)",
    )
    parser.add_argument(
        "--queries",
        metavar="URL",
        help="where readers reach Prometheus: each insight links the course of its number",
    )
    parser.add_argument(
        "--traces",
        metavar="URL",
        help="where readers look up a trace, {trace_id} in the place of its id",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write there, not to stdout")
    add_mail(parser)


def report(options: argparse.Namespace) -> int:
    """Write the report that a command line asks for, and return the exit status."""
    wrong = _wrong(options)
    if wrong:
        return _say(wrong, USAGE)
    try:
        how = mailing(options)
        made = _read(options)
    except ValueError as error:
        return _say(str(error), USAGE)
    except AnalyticsError as error:
        return _say(f"{error}. {_advice(error, options)}", _status(error))
    failure = _hand_over(made, options, how)
    if failure:
        return _say(failure, FAILED)
    if made.dashboard.quiet:
        return _say(f"nothing happened in {made.dashboard.observed.words}", EMPTY)
    return OK


def _hand_over(made: Report, options: argparse.Namespace, how: Mailing | None) -> str:
    """Write a report, mail it, or both, and return what has failed; empty for nothing."""
    try:
        if how is None or options.output is not None:
            _write(made, options)
        if how is not None:
            _mail(made, options, how)
    except NotMailedError as error:
        return f"{error}."
    except OSError as error:
        return f"cannot write {options.output or 'the report'}: {error}"
    return ""


def _wrong(options: argparse.Namespace) -> str:
    """Return what is wrong with a command line that can be read; empty for nothing."""
    if options.marketplace == (options.publisher is not None):
        return "name a publisher, or give --marketplace (not both)"
    if options.mail_to and options.format is not None and options.output is None:
        return "--format says what --output holds; a mail has its own form"
    if options.format is None and _by_name(options.output) is None:
        return _no_form(options.output)
    return ""


def _read(options: argparse.Namespace) -> Report:
    url: str = options.prometheus
    sent = headers_of(options)
    days: int = options.days
    at: float | None = options.at
    if options.marketplace:
        market = MarketplaceAnalytics(url, timeout=options.timeout, headers=sent)
        dashboard = market.dashboard(days, at=at)
        return _report(options, dashboard, dashboard.in_trouble)
    publishers = PublisherAnalytics(
        url, timeout=options.timeout, headers=sent, min_tenants=options.min_tenants
    )
    figures = publishers.dashboard(options.publisher, days, at=at)
    return _report(options, figures, publishers.insights(options.publisher))


def _report(
    options: argparse.Namespace,
    dashboard: PublisherDashboard | MarketplaceDashboard,
    insights: Sequence[Insight],
) -> Report:
    return Report(dashboard, insights, options.runbooks, options.queries, options.traces)


def _write(made: Report, options: argparse.Namespace) -> None:
    target: Path | None = options.output
    form: Format = options.format or _by_name(target) or "terminal"
    if target is not None:
        target.write_text(render(made, form, width=_FILE_WIDTH), encoding="utf-8", newline="")
    elif form == "terminal":
        print_page(Console(), made.page)
    else:
        sys.stdout.write(render(made, form))
        sys.stdout.flush()


def _mail(made: Report, options: argparse.Namespace, how: Mailing) -> None:
    file = "marketplace.html" if options.marketplace else f"{_file_name(options.publisher)}.html"
    send(digest(made.page, sender=how.server.sender, to=how.to, file=file), how)
    sys.stderr.write(f"agent-analytics report: mailed to {', '.join(how.to)}\n")


def _file_name(publisher: str) -> str:
    """Return a publisher's id as the name of a file: letters, digits, dots and dashes of it."""
    return re.sub(r"[^\w.-]+", "-", publisher, flags=re.ASCII).strip(".-") or "report"


def _by_name(target: Path | None) -> Format | None:
    """Return the form that the ending of a file names; None where it names none of ours."""
    ending = "" if target is None else target.suffix.lower().removeprefix(".")
    known: dict[str, Format] = {
        "": "terminal",
        "txt": "terminal",
        "html": "html",
        "htm": "html",
        "json": "json",
        "csv": "csv",
    }
    return known.get(ending)


def _no_form(target: Path) -> str:
    advice = (
        "Write a page with .html and print it from a browser, which makes a PDF"
        if target.suffix.lower() == ".pdf"
        else "Use one of these endings, or say what goes into the file with --format"
    )
    return (
        f"{target.name}: a report is written as .html, .json, .csv or .txt, not as "
        f"{target.suffix}. {advice}."
    )


def _status(error: AnalyticsError) -> int:
    if isinstance(error, UnknownPublisher):
        return UNKNOWN
    return EMPTY if isinstance(error, NoData) else FAILED


def _advice(error: AnalyticsError, options: argparse.Namespace) -> str:
    if isinstance(error, UnknownPublisher):
        return _nearest(options)
    if isinstance(error, NoData):
        return f"Check that Prometheus scrapes the agents: {_DOCTOR} says what is wrong."
    if isinstance(error, PrometheusUnreachable):
        return (
            f"Give its address with --prometheus or {URL}, and check that it runs; "
            f"{_DOCTOR} says more."
        )
    return "A shorter period, a longer --timeout or other credentials may help."


def _nearest(options: argparse.Namespace) -> str:
    """Return which publishers there are instead, in a sentence or two."""
    try:
        analytics = PublisherAnalytics(
            options.prometheus, timeout=options.timeout, headers=headers_of(options)
        )
        known = analytics.publishers(options.days, at=options.at)
    except (AnalyticsError, ValueError):
        known = []
    return f"{instead_of(options.publisher, known)} A listing is known from its first span on."


def _say(message: str, status: int) -> int:
    sys.stderr.write(f"agent-analytics report: {prose(message)}\n")
    return status


def _days(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _LONGEST_DAYS:
        message = f"expected whole days from 1 to {_LONGEST_DAYS}, got {text}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _time(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"expected a time such as 2026-01-31T12:00, got {text}"
        raise argparse.ArgumentTypeError(message) from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
