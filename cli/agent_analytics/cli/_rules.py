"""``agent-analytics rules``: writes the alert and recording rules for Prometheus."""

import argparse
from pathlib import Path
from typing import Final

from agent_analytics.cli._command import Commands
from agent_analytics.cli._output import add_output, say, tell, written
from agent_analytics.cli._runbooks import add_runbooks, warn_of_links
from agent_analytics.insights import past
from agent_analytics.insights.rules import ABSENCE, render_rules

_DESCRIPTION: Final = """\
Writes the rules of the insights and of on-call's pages, and the roll-ups that dashboards
and reports read windows of days from, as files for Prometheus 2.42 or later. Files of the
same names are replaced: do so with every upgrade of agent-analytics.
"""
_EPILOG: Final = """\
examples:
  agent-analytics rules --output /etc/prometheus/agent-analytics
  agent-analytics rules --output rules --runbooks https://docs.example/runbooks
  agent-analytics rules --output rules --absence 10m     page later for a service that is gone
  agent-analytics rules backfill --output past           after an upgrade: what the new rules
                                                         would have recorded before

environment:
  AGENT_ANALYTICS_RUNBOOKS   default of --runbooks

exit status:
  0  the files were written
  1  they cannot be written
  2  the command line is wrong
"""


def add_rules(commands: Commands) -> None:
    """Add the command to those of a program."""
    parser = commands.add_parser(
        "rules",
        help="write the alert and recording rules for Prometheus",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # Not required by the parser: `rules backfill` has an output of its own.
    parser.set_defaults(rules_parser=parser)
    add_output(parser, "the rule files", required=False)
    parser.add_argument(
        "--absence",
        default=ABSENCE,
        metavar="TIME",
        help="for how long a service has to be gone before on-call is paged (default: %(default)s)",
    )
    add_runbooks(parser, "alerts")
    added = parser.add_subparsers(dest="rules_command", title="commands", metavar="COMMAND")
    past.add_backfill(
        added.add_parser(
            "backfill",
            help="write the past of what rules look up, after an upgrade",
            description=past.DESCRIPTION,
            epilog=past.EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    )


def rules(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    if options.rules_command == "backfill":
        return past.backfill(options)
    output: str | None = options.output
    if output is None:
        options.rules_parser.error("the following arguments are required: --output")
        return 2
    directory = Path(output)
    try:
        files = render_rules(absence=options.absence, runbooks=options.runbooks)
    except ValueError as error:
        say("rules", str(error))
        return 2
    if not written("rules", directory, files):
        return 1
    warn_of_links("rules", "alerts", options.runbooks)
    pattern = directory.resolve() / "*.yml"
    tell()
    tell(f'Prometheus takes them by a line of its configuration:  rule_files: ["{pattern}"]')
    tell("(`agent-analytics config` writes a configuration), and reads them anew on SIGHUP.")
    tell(f"Check them before:  promtool check rules {pattern}")
    tell("Keep the job names agent-analytics and agent-analytics-sketches: rules ask for them.")
    return 0
