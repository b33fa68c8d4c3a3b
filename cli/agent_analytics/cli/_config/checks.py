"""What is wrong with the options of ``agent-analytics config``, by the names of the options."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from agent_analytics.insights.config import Email, Receiver

_WAYS: Final = "--target HOST:PORT, --targets-file, --targets-url, --dns or --kubernetes"
_SERVER: Final = "--smtp HOST:PORT and --smtp-from ADDRESS"
#: Options of which neither is of use without the other.
_PAIRS: Final = (
    ("cert_file", "key_file"),
    ("user", "password_file"),
    ("smtp", "smtp_from"),
)
#: Options that are of use with another only.
_NEEDS: Final = (
    ("smtp_user", "smtp"),
    ("smtp_password_file", "smtp_user"),
    ("smtp_plain", "smtp"),
)


def wrong_options(options: argparse.Namespace, publisher: Mapping[str, Sequence[Receiver]]) -> str:
    """Return what is wrong with options that can each be read; empty for nothing.

    Args:
        options: All of them.
        publisher: Receivers of single publishers.
    """
    return next(_wrong(options, publisher), "")


def _wrong(
    options: argparse.Namespace, publisher: Mapping[str, Sequence[Receiver]]
) -> Iterator[str]:
    yield from _of_finding(options)
    for one, other in _PAIRS:
        if (getattr(options, one) is None) != (getattr(options, other) is None):
            yield f"{_name(one)} and {_name(other)} go together"
    for one, other in _NEEDS:
        if getattr(options, one) and getattr(options, other) is None:
            yield f"{_name(one)} needs {_name(other)}"
    if options.user is not None and options.token_file is not None:
        yield "--user and --token-file cannot both be sent"
    if options.smtp is None:
        yield from _of_mail(options, publisher)


def _of_finding(options: argparse.Namespace) -> Iterator[str]:
    if not options.found and options.kubernetes is None:
        yield f"name where metrics are served, by {_WAYS}"
    if options.found and options.kubernetes is not None:
        yield (
            "--kubernetes goes with no other way to find targets: pods need a configuration of "
            "their own"
        )


def _of_mail(
    options: argparse.Namespace, publisher: Mapping[str, Sequence[Receiver]]
) -> Iterator[str]:
    receivers: dict[str, Sequence[Receiver]] = {
        "--oncall": options.oncall,
        "--publishers": options.publishers,
        **{f"--publisher {name}": of_one for name, of_one in publisher.items()},
    }
    for option, given in receivers.items():
        for each in given:
            if isinstance(each, Email):
                yield f"{option} email:{each.to} needs a mail server: give {_SERVER}"


def _name(option: str) -> str:
    return f"--{option.replace('_', '-')}"
