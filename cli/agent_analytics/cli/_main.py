"""Reads the command line and runs the subcommand that it names."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from agent_analytics.cli._command import Command
from agent_analytics.cli._config.command import add_config, config
from agent_analytics.cli._dashboards import add_dashboards, dashboards
from agent_analytics.cli._doctor import add_doctor, doctor
from agent_analytics.cli._key import add_key, key
from agent_analytics.cli._parser import Parser, unknown_arguments, unknown_command
from agent_analytics.cli._portal import add_portal, portal
from agent_analytics.cli._rules import add_rules, rules
from agent_analytics.cli._simulator import simulator
from agent_analytics.insights.report import add_report, report
from agent_analytics.processor import core_in_use

_DISTRIBUTION: Final = "agent-analytics"
_DESCRIPTION: Final = """\
Exact analytics for marketplaces of AI agents: who uses an agent, does it work, does it
earn, what to do next. Agents are instrumented in their own code (see the README); these
are the commands for people.
"""
_EPILOG: Final = """\
examples:
  agent-analytics demo --incident             see the whole work, on simulated agents
  agent-analytics doctor                      say what is wrong with a set-up
  agent-analytics config --target agents:9464 --output prometheus
                                              write what Prometheus and Alertmanager read
  agent-analytics report acme                 a publisher's figures of the last 30 days

`agent-analytics COMMAND --help` shows the options of a command, with examples.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status.

    Args:
        argv: The arguments behind the command's name; those of the process where ``None``.

    Raises:
        SystemExit: Help or the version was asked for (0), or the command line is wrong (2).
    """
    commands = {command.name: command for command in _commands()}
    parser = Parser(
        prog=_DISTRIBUTION,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"{_DISTRIBUTION} {_version()}")
    added = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    for command in commands.values():
        command.add(added)
    arguments = list(sys.argv[1:] if argv is None else argv)
    named = next((each for each in arguments if not each.startswith("-")), None)
    if named is not None and named not in commands:
        parser.error(unknown_command(named, list(commands)))
    options, unknown = parser.parse_known_args(arguments)
    if options.command is None and not unknown:
        parser.print_help()
        return 0
    chosen = commands.get(options.command or "")
    if chosen is None:
        parser.error(unknown_arguments(unknown, parser.format_help()))
    if unknown and not chosen.open_ended:
        of_command = added.choices[chosen.name]
        of_command.error(unknown_arguments(unknown, of_command.format_help()))
    return chosen.run(options)


def _commands() -> tuple[Command, ...]:
    """Return every command, in the order of the help."""
    return (
        Command("report", add_report, report),
        Command("portal", add_portal, portal),
        Command("doctor", add_doctor, doctor),
        Command("config", add_config, config),
        Command("key", add_key, key),
        Command("rules", add_rules, rules),
        Command("dashboards", add_dashboards, dashboards),
        *simulator(),
    )


def _version() -> str:
    """Return the version that is installed, and whether its core is compiled."""
    try:
        number = version(_DISTRIBUTION)
    except PackageNotFoundError:
        number = "(a checkout that is not installed)"
    return f"{number}, {core_in_use()}"
