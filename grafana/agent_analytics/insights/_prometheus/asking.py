"""The options that say which Prometheus is asked, for every command that asks one."""

import argparse
import os
from typing import Final, cast

URL: Final = "AGENT_ANALYTICS_PROMETHEUS"
AUTHORIZATION: Final = "AGENT_ANALYTICS_PROMETHEUS_AUTHORIZATION"


def add_asked(parser: argparse.ArgumentParser) -> None:
    """Add ``--prometheus``, ``--header`` and ``--timeout``."""
    parser.add_argument(
        "--prometheus",
        default=os.environ.get(URL) or "http://localhost:9090",
        metavar="URL",
        help="address of Prometheus (default: http://localhost:9090)",
    )
    parser.add_argument(
        "--header",
        type=_header,
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help="send this header with every query; may be repeated",
    )
    parser.add_argument(
        "--timeout", type=_seconds, default=30.0, metavar="S", help="seconds a query may take"
    )


def headers_of(options: argparse.Namespace) -> dict[str, str]:
    """Return what is sent with every query."""
    headers = cast("list[tuple[str, str]]", options.header)
    authorization = os.environ.get(AUTHORIZATION)
    return {**({"Authorization": authorization} if authorization else {}), **dict(headers)}


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        message = f"expected seconds above 0, got {text}"
        raise argparse.ArgumentTypeError(message)
    return seconds


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip() or any(char in text for char in "\r\n"):
        message = "expected 'NAME: VALUE'"  # what was given may be a password
        raise argparse.ArgumentTypeError(message)
    return name.strip(), value.strip()
