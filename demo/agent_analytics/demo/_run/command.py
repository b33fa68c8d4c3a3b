"""``agent-analytics demo``: runs the simulated marketplace, live."""

import argparse
import asyncio
import json
import logging
import math
import signal
import sys
from types import FrameType
from typing import Final

from rich.console import Console

from agent_analytics.cli import Commands
from agent_analytics.demo._reconciliation.report import as_json, print_summary
from agent_analytics.demo._run.run import Plan, run
from agent_analytics.demo._run.serve import Service, serve
from agent_analytics.demo._run.servers import ServerError
from agent_analytics.demo._run.session import open_session
from agent_analytics.demo._terminal.reporters import LineReporter, LiveReporter
from agent_analytics.demo._terminal.steps import Steps

_UNATTENDED_SECONDS: Final = 120.0
_FASTEST: Final = 20.0
_LAST_PORT: Final = 65535

_DESCRIPTION: Final = """\
A simulated agent marketplace on real servers: 14 publishers, 23 agents, 400 tenants.

Decorated agents run, their spans become metrics, a real Prometheus scrapes them and
evaluates the rules, a real Alertmanager sends the pages to a webhook. Everything listens
on free loopback ports and is stopped at the end. At the end, every number that Prometheus
answers is compared with a ledger that the demo keeps for itself.
"""
_EPILOG: Final = """\
examples:
  agent-analytics demo                      a live table until Ctrl-C
  agent-analytics demo --incident           the same, with an error burst that pages on-call
  agent-analytics demo --duration 60 --json the figures of a minute, as JSON on stdout
  agent-analytics demo --page-latency       how soon a burst is paged, in ten starting phases

exit status:
  0  everything that should run did, and every number agrees
  1  a server died or did not start, a page did not come in time, or numbers differ
  2  the command line is wrong
"""


def add_demo(commands: Commands) -> None:
    """Add the command to the subparsers of ``agent-analytics``."""
    demo = commands.add_parser(
        "demo",
        help="run a simulated marketplace on a real Prometheus and Alertmanager",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_options(demo)


def _add_options(demo: argparse.ArgumentParser) -> None:
    demo.add_argument(
        "--duration",
        type=_seconds,
        metavar="S",
        help="seconds of traffic; default: until Ctrl-C on a terminal, 120 elsewhere",
    )
    demo.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="X",
        help="visits come X times as often and take 1/X of the time (default: 1)",
    )
    demo.add_argument(
        "--seed",
        type=int,
        default=20260101,
        metavar="N",
        help="the same seed gives the same decisions of tenants and agents (default: %(default)s)",
    )
    demo.add_argument(
        "--incident",
        action="store_true",
        help="plant an error burst (100 invocations a second, 20 %% fail) in one agent, and in a"
        " second one while the first is paged; print how long the pages took",
    )
    demo.add_argument(
        "--page-latency",
        action="store_true",
        help="plant bursts at ten phases of the scrape cycle and one beside a page; print each"
        " time and the worst (about two minutes)",
    )
    demo.add_argument(
        "--serve",
        type=_address,
        metavar="HOST:PORT",
        help="start no servers and compare nothing: serve /metrics there until stopped, and take"
        " Alertmanager's webhooks on the next port",
    )
    demo.add_argument(
        "--json",
        action="store_true",
        help="print one JSON document at the end on stdout, progress on stderr",
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not (math.isfinite(seconds) and seconds > 0):
        msg = f"expected seconds above 0, got {text}"
        raise argparse.ArgumentTypeError(msg)
    return seconds


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed <= _FASTEST:
        msg = f"expected a factor above 0, up to {_FASTEST:.0f}, got {text}"
        raise argparse.ArgumentTypeError(msg)
    return speed


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < _LAST_PORT:
        msg = f"expected HOST:PORT with a port from 1 to {_LAST_PORT - 1}, got {text}"
        raise argparse.ArgumentTypeError(msg)
    return host.strip("[]"), int(port)


def demo(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if options.serve:
        return _serve(options)
    as_document: bool = options.json
    live = sys.stdout.isatty() and not as_document
    progress = sys.stderr if as_document else sys.stdout
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    duration: float | None = options.duration
    if duration is None and options.page_latency:
        duration = 1.0  # until every burst has been seen through
    elif duration is None and not live:
        duration = _UNATTENDED_SECONDS
    plan = Plan(duration, incident=options.incident, page_latency=options.page_latency)
    # Whoever ends us shall end the servers, too.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return _run(options, plan, live=live, as_document=as_document)
    except ServerError as error:
        progress.flush()
        sys.stderr.write(f"agent-analytics demo: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("agent-analytics demo: interrupted before the marketplace opened\n")
        return 130


def _run(options: argparse.Namespace, plan: Plan, *, live: bool, as_document: bool) -> int:
    progress = sys.stderr if as_document else sys.stdout
    stop = asyncio.Event()
    console = Console(file=progress)
    steps = Steps(console)
    with open_session(seed=options.seed, speed=options.speed, stop=stop, steps=steps) as session:
        steps.line(f"open after {steps.seconds:.0f} s; {_until(plan)}")
        reporter = (
            LiveReporter(console, session.addresses)
            if live
            else LineReporter(progress, session.addresses)
        )
        with reporter:
            outcome = asyncio.run(run(session, plan, reporter))
        print_summary(console, session.ledger, outcome)
        if as_document:
            document = as_json(
                seed=options.seed,
                speed=options.speed,
                addresses=session.addresses,
                ledger=session.ledger,
                outcome=outcome,
            )
            json.dump(document, sys.stdout, indent=2)
            sys.stdout.write("\n")
    return 1 if outcome.problems else 0


def _until(plan: Plan) -> str:
    """Return how long the marketplace is going to be open, in words."""
    if plan.page_latency:
        return "bursts follow, about two minutes of them"
    if plan.duration is None:
        return "Ctrl-C closes the books and compares every number"
    return f"{plan.duration:.0f} s of traffic, then every number is compared"


def _serve(options: argparse.Namespace) -> int:
    host, port = options.serve
    service = Service(
        host=host,
        port=port,
        seed=options.seed,
        speed=options.speed,
        duration=options.duration,
        incident=options.incident,
    )
    try:
        return serve(service, lambda line: print(line, flush=True))
    except OSError as error:
        sys.stderr.write(f"agent-analytics demo: cannot listen on {host}:{port}: {error}\n")
        return 1


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
