"""Writes files for other programs, and says what was written."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from agent_analytics.insights import write_files


def add_output(parser: argparse.ArgumentParser, what: str, *, required: bool = True) -> None:
    """Add the option that says where to.

    Args:
        parser: Of the command.
        what: What is written there.
        required: Whether the command line is wrong without it.
    """
    parser.add_argument(
        "--output",
        type=Path,
        required=required,
        metavar="DIR",
        help=f"directory for {what}; it is made if need be",
    )


def written(command: str, directory: Path, files: Mapping[str, str]) -> bool:
    """Write files, print their names, and return whether they could be written."""
    try:
        write_files(directory, files)
    except OSError as error:
        say(command, f"cannot write {error.filename}: {error.strerror}")
        return False
    for name in files:
        tell(f"wrote {directory / name}")
    return True


def tell(line: str = "") -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")


def say(command: str, message: str) -> None:
    """Print what is wrong."""
    sys.stderr.write(f"agent-analytics {command}: {message}\n")
