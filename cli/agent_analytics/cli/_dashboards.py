"""``agent-analytics dashboards``: writes the dashboards, and what provisions them in Grafana."""

import argparse
from pathlib import Path
from typing import Final

from agent_analytics.cli._command import Commands
from agent_analytics.cli._output import add_output, tell, written
from agent_analytics.cli._runbooks import add_runbooks, warn_of_links
from agent_analytics.insights import grafana_files

_DESCRIPTION: Final = """\
Writes the dashboards as JSON, and the two files by which Grafana finds them and their
data. Files of the same names are replaced: do so with every upgrade of agent-analytics.
"""
_EPILOG: Final = """\
examples:
  agent-analytics dashboards --output grafana --prometheus http://prometheus:9090
  agent-analytics dashboards --output grafana --path /var/lib/grafana/dashboards
                                      for a Grafana that sees them elsewhere, in a container

environment:
  AGENT_ANALYTICS_RUNBOOKS   default of --runbooks

exit status:
  0  the files were written
  1  they cannot be written
  2  the command line is wrong
"""


def add_dashboards(commands: Commands) -> None:
    """Add the command to those of a program."""
    parser = commands.add_parser(
        "dashboards",
        help="write the dashboards for Grafana, with their provisioning",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_output(parser, "dashboards/ and provisioning/")
    parser.add_argument(
        "--prometheus",
        default="http://localhost:9090",
        metavar="URL",
        help="where Grafana's server reaches Prometheus (default: %(default)s)",
    )
    parser.add_argument(
        "--path",
        metavar="DIR",
        help="where Grafana's server sees the dashboards (default: where they are written)",
    )
    parser.add_argument(
        "--scrape-interval",
        default="5s",
        metavar="TIME",
        help="how often Prometheus scrapes /metrics (default: %(default)s)",
    )
    parser.add_argument(
        "--traces",
        metavar="URL",
        help="where Grafana's server reaches Tempo, for exemplars (default: no traces)",
    )
    add_runbooks(parser, "pages of on-call")


def dashboards(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    directory = Path(options.output)
    files = grafana_files(
        path=options.path or str(directory.resolve() / "dashboards"),
        prometheus_url=options.prometheus,
        scrape_interval=options.scrape_interval,
        traces_url=options.traces,
        runbooks=options.runbooks,
    )
    if not written("dashboards", directory, files):
        return 1
    warn_of_links("dashboards", "pages of on-call", options.runbooks)
    provisioning = directory.resolve() / "provisioning"
    tell()
    tell("Grafana takes all of it when it starts with the environment")
    tell(f"  GF_PATHS_PROVISIONING={provisioning}")
    tell("or copy the two files into its own folder, most often /etc/grafana/provisioning.")
    tell("By hand: add Prometheus as a data source, then Dashboards > New > Import, file by file.")
    return 0
