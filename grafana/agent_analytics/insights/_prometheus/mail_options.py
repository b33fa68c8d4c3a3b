"""The options of a mail server, for every command that has mail sent."""

import argparse
from typing import TYPE_CHECKING, Final

from agent_analytics.insights._prometheus.receivers import MailServer

if TYPE_CHECKING:
    # What a parser's own add_argument_group() returns has no public name.
    from argparse import _ArgumentGroup as Group  # pyright: ignore[reportPrivateUsage]

_LAST_PORT: Final = 65_535


def add_mail_server(options: "Group") -> None:
    """Add ``--smtp``, ``--smtp-from``, ``--smtp-user``, ``--smtp-password-file``, ``--smtp-plain``.

    Args:
        options: The group of a parser's options in which they are shown.
    """
    options.add_argument(
        "--smtp", type=_host_and_port, metavar="HOST:PORT", help="who takes mail, with --smtp-from"
    )
    options.add_argument("--smtp-from", metavar="ADDRESS", help="where mail comes from")
    options.add_argument("--smtp-user", metavar="NAME", help="name at the mail server")
    options.add_argument("--smtp-password-file", metavar="FILE", help="holds the password there")
    options.add_argument(
        "--smtp-plain", action="store_true", help="send mail without TLS, such as on one machine"
    )


def mail_server(options: argparse.Namespace) -> MailServer | None:
    """Return who takes mail, where both the server and the sender were given."""
    if options.smtp is None or options.smtp_from is None:
        return None
    return MailServer(
        options.smtp,
        options.smtp_from,
        username=options.smtp_user,
        password_file=options.smtp_password_file,
        tls=not options.smtp_plain,
    )


def _host_and_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
        msg = f"expected HOST:PORT, such as mail:587, got {text}"
        raise argparse.ArgumentTypeError(msg)
    return text
