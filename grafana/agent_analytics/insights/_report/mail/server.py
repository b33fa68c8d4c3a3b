"""Mails a report: the options of a mail server, and the sending."""

import argparse
import ssl
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path
from smtplib import SMTP, SMTP_SSL, SMTPException, SMTPRecipientsRefused
from typing import Final

from agent_analytics.insights._prometheus.mail_options import add_mail_server, mail_server
from agent_analytics.insights._prometheus.receivers import MailServer

#: The port on which TLS comes before the first word (RFC 8314).
_TLS_AT_ONCE: Final = 465
_LINE: Final = "\r\n"
_EXPECTED: Final = "expected an address such as agents@acme.example"


class NotMailedError(Exception):
    """A report was not mailed; the message says why, and what helps."""


@dataclass(frozen=True, slots=True)
class Mailing:
    """How a report is mailed.

    Attributes:
        to: Addresses of its readers.
        server: Who takes the mail.
        timeout: Seconds that the server may take to answer.
    """

    to: tuple[str, ...]
    server: MailServer
    timeout: float = 30.0

    @property
    def place(self) -> tuple[str, int]:
        """Host and port of the server."""
        host, _, port = self.server.address.rpartition(":")
        return host.removeprefix("[").removesuffix("]"), int(port)


def add_mail(parser: argparse.ArgumentParser) -> None:
    """Add the options of a mail."""
    mail = parser.add_argument_group("mail")
    mail.add_argument(
        "--mail-to",
        type=_address,
        action="append",
        default=[],
        metavar="ADDRESS",
        help="mail the report there; may be repeated",
    )
    add_mail_server(mail)


def mailing(options: argparse.Namespace) -> Mailing | None:
    """Return how a report is mailed, or None where it is not.

    Raises:
        ValueError: Options do not go together.
    """
    if not options.mail_to:
        given = ("smtp", "smtp_from", "smtp_user", "smtp_password_file", "smtp_plain")
        alone = next((name for name in given if getattr(options, name)), None)
        if alone:
            message = f"--{alone.replace('_', '-')} goes with --mail-to ADDRESS"
            raise ValueError(message)
        return None
    server = mail_server(options)
    if server is None:
        message = "--mail-to goes with --smtp HOST:PORT and --smtp-from ADDRESS"
        raise ValueError(message)
    if not _is_address(server.sender):
        message = f"--smtp-from: {_EXPECTED}, got {server.sender!r}"
        raise ValueError(message)
    if (server.username is None) != (server.password_file is None):
        message = "--smtp-user and --smtp-password-file go together"
        raise ValueError(message)
    if not server.tls and server.username is not None:
        message = "--smtp-plain would send the password of --smtp-user without TLS"
        raise ValueError(message)
    return Mailing(tuple(options.mail_to), server, options.timeout)


def send(mail: EmailMessage, how: Mailing) -> None:
    """Hand a mail to the server.

    Raises:
        NotMailedError: It was not taken for all of its readers.
    """
    server = how.server.address
    try:
        with _connected(how) as smtp:
            if how.server.username is not None and how.server.password_file is not None:
                smtp.login(how.server.username, _password(Path(how.server.password_file)))
            refused = smtp.send_message(mail)
    except SMTPRecipientsRefused as error:
        refused = error.recipients
    except ssl.SSLError as error:
        message = f"{server} and TLS: {error}. Give --smtp-plain where mail needs none"
        raise NotMailedError(message) from error
    except (SMTPException, MessageError, UnicodeError) as error:
        message = f"{server} does not take the mail: {_said(error)}. {_advice(how)}"
        raise NotMailedError(message) from error
    except OSError as error:
        message = f"no answer from {server}: {error}. Check --smtp"
        raise NotMailedError(message) from error
    if refused:
        each = "; ".join(f"{to}: {_text(code, text)}" for to, (code, text) in refused.items())
        message = f"{server} refuses readers: {each}"
        raise NotMailedError(message)


def _connected(how: Mailing) -> SMTP:
    """Return a connection, with TLS unless mail goes plain."""
    host, port = how.place
    if not how.server.tls:
        return SMTP(host, port, timeout=how.timeout)
    context = ssl.create_default_context()
    if port == _TLS_AT_ONCE:
        return SMTP_SSL(host, port, timeout=how.timeout, context=context)
    smtp = SMTP(host, port, timeout=how.timeout)
    try:
        smtp.starttls(context=context)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _password(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").rstrip(_LINE)
    except (OSError, UnicodeError) as error:
        message = f"cannot read --smtp-password-file {file}: {error}"
        raise NotMailedError(message) from error


def _said(error: Exception) -> str:
    """Return what a server has said, without the class that stands for it."""
    code, text = getattr(error, "smtp_code", None), getattr(error, "smtp_error", None)
    if isinstance(code, int) and isinstance(text, str | bytes):
        return _text(code, text)
    return str(error)


def _text(code: int, text: str | bytes) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {words}"


def _advice(how: Mailing) -> str:
    if not how.server.tls:
        return "Check --smtp and --smtp-from"
    return "Check --smtp-user and its password; --smtp-plain sends without TLS"


def _address(text: str) -> str:
    if not _is_address(text):
        message = f"{_EXPECTED}, got {text!r}"
        raise argparse.ArgumentTypeError(message)
    return text


def _is_address(text: str) -> bool:
    try:
        found = Address(addr_spec=text)
    except (MessageError, ValueError, IndexError):
        return False
    return bool(found.username and found.domain) and text.isprintable()
