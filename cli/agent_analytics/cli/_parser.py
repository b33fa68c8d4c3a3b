"""Says in one line what is wrong with a command line, and what was perhaps meant."""

import argparse
import difflib
import re
from collections.abc import Sequence
from typing import Final, NoReturn

#: What somebody may have taken for a command or a name.
_PLAIN: Final = re.compile(r"[a-z][a-z-]{0,20}")
_OPTION: Final = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
#: What people call commands that have another name here.
_MEANT: Final = {
    "alerts": "rules",
    "alertmanager": "config",
    "check": "doctor",
    "grafana": "dashboards",
    "prometheus": "config",
    "simulate": "history",
    "status": "doctor",
    "verify": "doctor",
}


class Parser(argparse.ArgumentParser):
    """A parser whose errors are a line, without the usage of every option above it."""

    def error(self, message: str) -> NoReturn:
        """End with status 2 and a line on what is wrong."""
        self.exit(2, f"{self.prog}: {message} (see `{self.prog} --help`)\n")


def unknown_command(name: str, known: Sequence[str]) -> str:
    """Return a sentence on a command that there is none of."""
    meant = _MEANT.get(name.casefold()) or _nearest(name, known)
    if meant in known:
        return f"there is no command {name!r}; did you mean {meant}?"
    return f"there is no command {name!r}; the commands are {', '.join(known)}"


def unknown_arguments(given: Sequence[str], text: str) -> str:
    """Return a sentence on arguments that a command does not take.

    Args:
        given: The arguments.
        text: Help of the command, which has its options.
    """
    known = sorted(set(_OPTION.findall(text)))
    near = [_nearest(each.partition("=")[0], known) for each in given if each.startswith("--")]
    meant = [each for each in near if each]
    more = f"; did you mean {' and '.join(meant)}?" if meant else ""
    return f"unrecognized arguments: {' '.join(map(_shown, given))}{more}"


def _shown(argument: str) -> str:
    """Return an argument without what may be a password: values are not shown, and options are."""
    option, equals, _ = argument.partition("=")
    if argument.startswith("-"):
        return f"{option}=…" if equals else option
    return argument if _PLAIN.fullmatch(argument) else "…"


def _nearest(name: str, known: Sequence[str]) -> str:
    letters = name.casefold().replace("_", "-")
    found = difflib.get_close_matches(letters, known, n=1, cutoff=0.6)
    return found[0] if found else ""
