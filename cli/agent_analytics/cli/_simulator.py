"""The commands of the simulator, or what to install where it is not there.

The simulator may import every other part, so none may import the simulator: its commands are looked
for by name when the command line is read.
"""

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Final, cast

from agent_analytics.cli._command import Command, Commands

_MODULE: Final = "agent_analytics.demo"
#: What the simulator has, so that the commands can be named where it is missing.
_NAMES: Final = ("demo", "history")
_INSTALL: Final = f"""\
The simulated marketplace (the package {_MODULE}) is not installed. The whole
distribution has it: `pip install --force-reinstall agent-analytics`, or, until there is
a release, `pip install .` in a source checkout.
"""


def simulator() -> tuple[Command, ...]:
    """Return the commands of the simulator, or commands of the same names that say what to install.

    Raises:
        ImportError: The simulator is there, and something that it needs is not.
    """
    try:
        module = import_module(_MODULE)
    except ModuleNotFoundError as error:
        if error.name != _MODULE:
            raise
        return tuple(_missing(name) for name in _NAMES)
    return cast("tuple[Command, ...]", module.COMMANDS)


def _missing(name: str) -> Command:
    return Command(name, _adder(name), _runner(name), open_ended=True)


def _adder(name: str) -> Callable[[Commands], None]:
    def add(commands: Commands) -> None:
        commands.add_parser(
            name,
            help="(the simulator is not installed)",
            description=_INSTALL,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    return add


def _runner(name: str) -> Callable[[argparse.Namespace], int]:
    def run(_options: argparse.Namespace) -> int:
        sys.stderr.write(f"agent-analytics {name}: {_INSTALL}")
        return 1

    return run
