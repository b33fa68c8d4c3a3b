"""``agent-analytics history``: makes a simulated past and serves it."""

import argparse
import signal
import sys
import tempfile
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Final

from rich.console import Console

from agent_analytics.cli import Commands
from agent_analytics.demo._history.build import build_history
from agent_analytics.demo._history.clock import Pace
from agent_analytics.demo._history.serving import serve
from agent_analytics.demo._run.portal import portal_over
from agent_analytics.demo._run.servers import ServerError
from agent_analytics.demo._terminal.steps import Steps
from agent_analytics.insights import write_rules

_DESCRIPTION: Final = """\
Ninety days of a simulated marketplace on a real Prometheus: 11 publishers, 32 listings.

Seasons of the day and the week, launches, a price change, restarts, and every insight
planted in one listing at least. The past ends now; nothing is added to it. It is made in
about a minute, and served on a free loopback port until Ctrl-C.
"""
_EPILOG: Final = """\
examples:
  agent-analytics history                                 three months, until Ctrl-C
  agent-analytics history --days 30 --directory past     keep the blocks in past/data

exit status:
  0  the past was made, and served until Ctrl-C
  1  a server or promtool is missing, died or did not start
  2  the command line is wrong, or the directory exists
  130  Ctrl-C before the past was made
"""
#: Measured for 7 and 30 days: what any past takes, and what each of its days adds.
_SAMPLES: Final = 2_500_000
_SAMPLES_A_DAY: Final = 360_000
_MEGABYTES: Final = 6
_MEGABYTES_A_DAY: Final = 1
_SECONDS: Final = 15
_SECONDS_A_DAY: Final = 0.5
_SHORTEST: Final = 3
_LONGEST: Final = 400


def add_history(commands: Commands) -> None:
    """Add the command to the subparsers of ``agent-analytics``."""
    parser = commands.add_parser(
        "history",
        help="make a simulated past of 90 days and serve it on a real Prometheus",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--days",
        type=_days,
        default=91,
        metavar="N",
        help=f"length of the past, {_SHORTEST} to {_LONGEST} (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=20260101,
        metavar="N",
        help="the same seed gives the same past (default: %(default)s)",
    )
    parser.add_argument(
        "--directory",
        type=Path,
        metavar="DIR",
        help="keep blocks and rules there; it must not exist (default: a temporary directory)",
    )
    parser.add_argument(
        "--no-serve", action="store_true", help="make the past, and do not serve it"
    )


def history(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    directory: Path | None = options.directory
    if directory is not None and directory.exists():
        sys.stderr.write(f"agent-analytics history: {directory} exists already\n")
        return 2
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with tempfile.TemporaryDirectory(prefix="agent-analytics-history-") as home:
            _make_and_serve(options, directory or Path(home))
    except ServerError as error:
        sys.stderr.write(f"agent-analytics history: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _make_and_serve(options: argparse.Namespace, directory: Path) -> None:
    rules = directory / "rules"
    write_rules(rules)
    steps = Steps(Console())
    steps.line(estimate(options.days))
    made = build_history(
        directory / "data", seed=options.seed, days=options.days, rules=rules, steps=steps
    )
    end = datetime.fromtimestamp(made.clock.end, UTC)
    events = sum(len(ledger.invocations.time) for ledger in made.ledgers.values())
    print(
        f"{len(made.ledgers)} listings, {events:,} invocations in {options.days} days up to"
        f" {end:%Y-%m-%d %H:%M:%S} UTC; {made.samples:,} samples in"
        f" {steps.seconds:.0f} s"
    )
    if options.directory:
        print(f"blocks: {made.directory}\nrules: {rules}")
    if options.no_serve:
        return
    with ExitStack() as stack:
        with steps.step("starting Prometheus over it"):
            prometheus = stack.enter_context(serve(made, rules))
        portal = stack.enter_context(portal_over(prometheus.url, scrape_seconds=Pace().dense))
        if portal:
            print(f"portal: {portal}")
        publisher = made.world.profiles[0].publisher
        print(f"Prometheus: {prometheus.url}")
        at = f"--at {end:%Y-%m-%dT%H:%M:%S}"
        print(f"try: agent-analytics report {publisher} {at} --prometheus {prometheus.url}")
        print("Ctrl-C ends it", flush=True)
        with suppress(KeyboardInterrupt):
            Event().wait()


def estimate(days: int) -> str:
    """Return what making a past of some days takes, in a sentence, as it was measured."""
    samples = (_SAMPLES + _SAMPLES_A_DAY * days) / 1e6
    return (
        f"{days} days are about {samples:.0f} million samples: about"
        f" {_MEGABYTES + _MEGABYTES_A_DAY * days:.0f} MB of disk in the end, and"
        f" {_SECONDS + _SECONDS_A_DAY * days:.0f} s where nothing else runs (on a busy machine"
        " several times that)"
    )


def _days(text: str) -> int:
    days = int(text)
    if not _SHORTEST <= days <= _LONGEST:
        msg = f"expected {_SHORTEST} to {_LONGEST} days, got {text}"
        raise argparse.ArgumentTypeError(msg)
    return days


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
