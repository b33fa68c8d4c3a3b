"""Where runbooks are served: the links of alerts and dashboards go there."""

import argparse
import os
import sys
from typing import Final

from agent_analytics.insights.rules import RUNBOOKS

_VARIABLE: Final = "AGENT_ANALYTICS_RUNBOOKS"
_SCHEMES: Final = ("http://", "https://")


def add_runbooks(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the option that says where runbooks are served."""
    parser.add_argument(
        "--runbooks",
        default=os.environ.get(_VARIABLE, "").strip() or RUNBOOKS,
        metavar="URL",
        help=f"where the pages of docs/runbooks are served; {what} link them (default:"
        f" {_VARIABLE}, else %(default)s, a link that goes nowhere)",
    )


def warn_of_links(command: str, what: str, runbooks: str) -> None:
    """Say on stderr where links would go nowhere, and how to set where they go."""
    if not runbooks.startswith(_SCHEMES):
        sys.stderr.write(
            f"agent-analytics {command}: {what} link their runbooks as {runbooks}/…, which goes"
            " nowhere: serve the pages of docs/runbooks, such as on your repository's site, and"
            f" give --runbooks https://… or set {_VARIABLE}\n"
        )
