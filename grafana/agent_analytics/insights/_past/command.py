"""The command ``agent-analytics rules backfill``."""

import argparse
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from agent_analytics.insights._past.filling import Filled, fill
from agent_analytics.insights._past.servers import ServerError, find_command
from agent_analytics.insights._past.wanted import Wanted, wanted
from agent_analytics.insights._prometheus.asking import AUTHORIZATION, URL, add_asked, headers_of
from agent_analytics.insights._prometheus.client import (
    AnalyticsError,
    PrometheusClient,
    QueryFailed,
)
from agent_analytics.insights._rules.reading import seconds_of
from agent_analytics.insights._yaml import mappings

DESCRIPTION: Final = """\
Some rules look up what they recorded a week or a month ago: retention and the number of
tenants of an earlier window. After an upgrade that brings such rules, nothing was recorded
then, and what needs it (retention-falling, few-tenants) is not known for weeks, although
Prometheus has all that it is made of. This command evaluates the rules for that past, once,
and writes the answers as blocks, which you move into Prometheus' data directory.

Prometheus is asked for samples over HTTP and goes on with its work. The evaluation itself
runs here, in a Prometheus of its own over copies, so `prometheus` and `promtool` have to be
installed; it needs a few minutes for 500 listings. Nothing is deleted or replaced: only
moments at which nothing was recorded are filled, so it can be run again at any time. Run it
when Prometheus has had the new rules for three hours: what it has not made a block of yet
(the last two to three hours) cannot be filled, and is recorded by the rules themselves.
"""
EPILOG: Final = f"""\
steps of an upgrade:
  1. agent-analytics rules --output DIR, SIGHUP to Prometheus         the new rules record
  2. three hours later: agent-analytics rules backfill --output past
  3. move what is in past/ into Prometheus' data directory             the command says how

examples:
  agent-analytics rules backfill --output past
  agent-analytics rules backfill --prometheus https://prometheus.example --output past

traps of Prometheus' storage, which the command keeps clear of:
  - a block that reaches into the last hours makes Prometheus throw away, at its next start,
    what it has scraped in them: no block here does
  - blocks overlap those that are there, which Prometheus 2.39 and later reads and merges
  - a block is deleted once it is older than --storage.tsdb.retention.time: rules look back
    60 days, so keep 120

environment:
  {URL}                 default of --prometheus
  {AUTHORIZATION}   sent as the header Authorization, such as "Bearer …"

exit status:
  0  the blocks were written, or nothing was missing
  1  Prometheus does not answer or refuses, promtool is not installed, or the blocks cannot
     be written
  2  the command line is wrong
"""
_DAY: Final = 86_400
_RETENTION: Final = re.compile(r"\d\w*")


def add_backfill(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command to its parser."""
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        metavar="DIR",
        help="directory for the blocks: a new one, or one that is empty",
    )
    add_asked(parser)


def backfill(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    output: Path = options.output
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        return _say(f"{output} is not empty: move what an earlier run wrote, or name another", 2)
    wants = wanted()
    shown = Shown()
    try:
        find_command("promtool")
        client = PrometheusClient(
            options.prometheus, timeout=options.timeout, headers=headers_of(options)
        )
        for warning in _warnings(client, wants):
            _say(warning, 0)
        filled = fill(client, wants, output, shown.progress)
        place = _data_directory(client)
    except ValueError as error:
        return _say(str(error), 2)
    except (AnalyticsError, ServerError) as error:
        return _say(f"{error}.", 1)
    except OSError as error:
        return _say(f"cannot write below {output.parent}: {error.strerror}", 1)
    finally:
        shown.end()
    sys.stdout.write("".join(f"{line}\n" for line in _told(filled, output, place)))
    return 0


class Shown:
    """Shows how far it is: on a terminal in one line for each step, else a line a step."""

    def __init__(self) -> None:
        self._step = ""
        self._live = sys.stderr.isatty()

    def progress(self, step: str, share: float) -> None:
        """Show a step, and which share of it is done."""
        if step != self._step:
            self.end()
            self._step = step
            if not self._live:
                sys.stderr.write(f"{step}\n")
        if self._live:
            sys.stderr.write(f"\r{step}  {share:4.0%}")
        sys.stderr.flush()

    def end(self) -> None:
        """End the line of a step."""
        if self._live and self._step:
            sys.stderr.write("\n")
        self._step = ""


def _warnings(client: PrometheusClient, wants: Wanted) -> list[str]:
    """Return in sentences what would make the work useless."""
    found: list[str] = []
    try:
        groups = client.rule_groups()
    except QueryFailed:
        groups = []
    loaded = {str(rule.get("name")) for group in groups for rule in mappings(group.get("rules"))}
    lacking = [rule.name for stage in wants.rules for rule in stage if rule.name not in loaded]
    if lacking:
        found.append(
            f"Prometheus has not loaded the rule that records {lacking[0]}: load the rules of this"
            " version first (`agent-analytics rules`), or what follows on the past will be missing."
        )
    deepest = max(wants.kept.values()) / _DAY
    try:
        kept = str(client.status("runtimeinfo").get("storageRetention", ""))
    except QueryFailed:
        kept = ""
    known = _RETENTION.match(kept)
    days = seconds_of(known[0]) / _DAY if known else 0
    if 0 < days < deepest:
        found.append(
            f"Prometheus keeps {days:.0f} days and deletes what is older, and rules look back"
            f" {deepest:.0f}: start it with --storage.tsdb.retention.time=120d."
        )
    return found


def _data_directory(client: PrometheusClient) -> str:
    try:
        return str(client.status("flags").get("storage.tsdb.path") or "")
    except QueryFailed:
        return ""


def _told(filled: Filled, output: Path, place: str) -> list[str]:
    """Return what was done, and what to do next."""
    later: list[str] = []
    if filled.left is not None:
        later += [
            f"What rules would have recorded from {_minute(filled.left)} on is not in it, because",
            "Prometheus still writes there itself. Run this again in three hours to have it all.",
        ]
    if filled.first is None or filled.last is None:
        return ["Nothing is missing that can be filled: no block was written.", *later]
    into = place.rstrip("/") if place and place != "." else "DATA"
    return [
        (
            f"Wrote {filled.blocks} blocks with {filled.samples:,} samples,"
            f" {_minute(filled.first)} to {_minute(filled.last)}, of"
        ),
        *(f"  {name}" for name in filled.names),
        *later,
        "",
        "What to do next, once:",
        "  1. Give the blocks to the user that Prometheus runs as, such as",
        f"       chown -R prometheus: {output}",
        "  2. Move them into Prometheus' data directory (--storage.tsdb.path):",
        f"       mv {output}/* {into}/",
        "     From another file system, copy them to a directory beside it first: half a block is",
        "     an error in Prometheus' log.",
        "  3. Wait: Prometheus takes them up within two minutes, without a restart, and the rules",
        "     find them at their next evaluation, within the hour.",
        "     `agent-analytics report --marketplace` says what is not known yet.",
    ]


def _minute(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M} UTC"


def _say(message: str, status: int) -> int:
    sys.stderr.write(f"agent-analytics rules backfill: {message}\n")
    return status
