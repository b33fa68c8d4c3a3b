"""``agent-analytics key``: prints a secret that nobody can guess."""

import argparse
import secrets
from typing import Final

from agent_analytics.cli._command import Commands
from agent_analytics.cli._output import tell

#: As many as a hash of tenants can use.
_BYTES: Final = 32
_DESCRIPTION: Final = """\
Prints a new secret on one line: a tenant key, the same in every process of a marketplace
and kept for as long as tenants are to be the same ones; a token for who may read the
registers of sketches; or a password. Each call prints another one.
"""
_EPILOG: Final = """\
examples:
  umask 077                                   so that nobody else reads what is written
  agent-analytics key > tenant-key            AGENT_ANALYTICS_TENANT_KEY=$(cat tenant-key)
  agent-analytics key > sketches-token        AGENT_ANALYTICS_SKETCHES_TOKEN=$(cat sketches-token)

exit status:
  0  it was printed
"""


def add_key(commands: Commands) -> None:
    """Add the command to those of a program."""
    commands.add_parser(
        "key",
        help="print a new secret: a tenant key, a token for the sketches, a password",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def key(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    del options
    tell(secrets.token_urlsafe(_BYTES))
    return 0
