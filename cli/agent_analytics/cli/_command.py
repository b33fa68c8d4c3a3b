"""What a subcommand is."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class Commands(Protocol):
    """What ``ArgumentParser.add_subparsers()`` returns, whose own type is private."""

    def add_parser(
        self,
        name: str,
        *,
        help: str | None,  # noqa: A002 - named by argparse
        description: str | None,
        epilog: str | None = None,
        formatter_class: type[argparse.HelpFormatter] = argparse.HelpFormatter,
    ) -> argparse.ArgumentParser:
        """Add the parser of a command and return it."""
        ...


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand of ``agent-analytics``.

    Attributes:
        name: What is typed.
        add: Adds the command's parser, under its name.
        run: Takes what was parsed and returns the exit status.
        open_ended: Whether arguments that the parser does not know are passed over.
    """

    name: str
    add: Callable[[Commands], None]
    run: Callable[[argparse.Namespace], int]
    open_ended: bool = False
