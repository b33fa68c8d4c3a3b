"""``agent-analytics portal``: the dashboards in a browser, with no Grafana."""

import argparse
import sys
from importlib import import_module
from typing import Any, Final

from agent_analytics.cli._command import Commands
from agent_analytics.cli._output import tell
from agent_analytics.insights.asking import AUTHORIZATION, URL, add_asked, headers_of

_LAST_PORT: Final = 65_535
_INSTALL: Final = "pip install '.[portal]'"
_DESCRIPTION: Final = """\
Serves the dashboards that Grafana is provisioned with, the insights and the report, as
pages of its own, over one Prometheus. Whoever reaches the port sees every publisher:
it listens on loopback unless told otherwise, and is for one's own use.
"""
_EPILOG: Final = f"""\
examples:
  agent-analytics portal --prometheus http://localhost:9090
  agent-analytics portal --port 0             any free port

environment:
  {URL}                 default of --prometheus
  {AUTHORIZATION}   sent as the header Authorization, such as "Bearer …"

exit status:
  0  it was served until Ctrl-C
  1  the page or what serves it is not installed, or the port is taken
  2  the command line is wrong
"""


def add_portal(commands: Commands) -> None:
    """Add the command to those of a program."""
    parser = commands.add_parser(
        "portal",
        help="serve the dashboards, the insights and the report to a browser",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_asked(parser)
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: %(default)s)"
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=8_460,
        metavar="N",
        help="port to listen on, 0 for any free one (default: %(default)s)",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name, besides those of loopback, that browsers reach it by; may be repeated",
    )
    parser.add_argument(
        "--scrape-interval",
        type=_scrape,
        default=5,
        metavar="S",
        help="seconds between two scrapes of /metrics (default: %(default)s)",
    )


def portal(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    try:
        module: Any = import_module("agent_analytics.portal")
    except ModuleNotFoundError as error:
        return _say(f"{error.name} is not installed: {_INSTALL}", 1)
    if not module.page_is_built():
        return _say(module.LEFT_OUT, 1)
    try:
        app = module.make_portal_app(
            options.prometheus,
            timeout=options.timeout,
            headers=headers_of(options),
            hosts=options.allow_host,
            scrape_seconds=options.scrape_interval,
        )
    except ValueError as error:
        return _say(str(error), 2)
    try:
        module.serve(app, host=options.host, port=options.port, on_start=_started)
    except OSError as error:
        return _say(f"cannot listen on {options.host}:{options.port}: {error}", 1)
    return 0


def _started(address: str) -> None:
    tell(f"Portal: {address}")
    tell("Ctrl-C ends it")
    sys.stdout.flush()


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _LAST_PORT:
        message = f"expected a port from 0 to {_LAST_PORT}, got {text}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _scrape(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        message = f"expected whole seconds from 1 on, got {text}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def _say(message: str, status: int) -> int:
    sys.stderr.write(f"agent-analytics portal: {message}\n")
    return status
