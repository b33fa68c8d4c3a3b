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

_LAST_PORT: Final = 65_535
#: The port on which TLS comes before the first word (RFC 8314).
_TLS_AT_ONCE: Final = 465
_LINE: Final = "\r\n"


class NotMailedError(Exception):
    """A report was not mailed; the message says why, and what helps."""


@dataclass(frozen=True, slots=True)
class Mailing:
    """How a report is mailed.

    Attributes:
        to: Addresses of its readers.
        sender: Address of whoever sends it.
        host: The mail server's.
        port: The mail server's.
        username: Name there; None where it asks for none.
        password_file: File that holds the password.
        plain: Whether mail goes without TLS.
        timeout: Seconds that the server may take to answer.
    """

    to: tuple[str, ...]
    sender: str
    host: str
    port: int
    username: str | None = None
    password_file: Path | None = None
    plain: bool = False
    timeout: float = 30.0


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
    mail.add_argument(
        "--smtp", type=_server, metavar="HOST:PORT", help="who takes mail, such as mail:587"
    )
    mail.add_argument("--smtp-from", type=_address, metavar="ADDRESS", help="where mail comes from")
    mail.add_argument("--smtp-user", metavar="NAME", help="name at the mail server")
    mail.add_argument(
        "--smtp-password-file", type=Path, metavar="FILE", help="holds the password there"
    )
    mail.add_argument(
        "--smtp-plain", action="store_true", help="send mail without TLS, such as on one machine"
    )


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
    if options.smtp is None or options.smtp_from is None:
        message = "--mail-to goes with --smtp HOST:PORT and --smtp-from ADDRESS"
        raise ValueError(message)
    if (options.smtp_user is None) != (options.smtp_password_file is None):
        message = "--smtp-user and --smtp-password-file go together"
        raise ValueError(message)
    if options.smtp_plain and options.smtp_user is not None:
        message = "--smtp-plain would send the password of --smtp-user without TLS"
        raise ValueError(message)
    host, port = options.smtp
    return Mailing(
        to=tuple(options.mail_to),
        sender=options.smtp_from,
        host=host,
        port=port,
        username=options.smtp_user,
        password_file=options.smtp_password_file,
        plain=options.smtp_plain,
        timeout=options.timeout,
    )


def send(mail: EmailMessage, how: Mailing) -> None:
    """Hand a mail to the server.

    Raises:
        NotMailedError: It was not taken for all of its readers.
    """
    server = f"{how.host}:{how.port}"
    try:
        with _connected(how) as smtp:
            if how.username is not None and how.password_file is not None:
                smtp.login(how.username, _password(how.password_file))
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
    if how.plain:
        return SMTP(how.host, how.port, timeout=how.timeout)
    context = ssl.create_default_context()
    if how.port == _TLS_AT_ONCE:
        return SMTP_SSL(how.host, how.port, timeout=how.timeout, context=context)
    smtp = SMTP(how.host, how.port, timeout=how.timeout)
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
    if how.plain:
        return "Check --smtp and --smtp-from"
    return "Check --smtp-user and its password; --smtp-plain sends without TLS"


def _address(text: str) -> str:
    try:
        found = Address(addr_spec=text)
    except (MessageError, ValueError, IndexError) as error:
        message = f"expected an address such as agents@acme.example, got {text!r}"
        raise argparse.ArgumentTypeError(message) from error
    if not found.username or not found.domain or not text.isprintable():
        message = f"expected an address such as agents@acme.example, got {text!r}"
        raise argparse.ArgumentTypeError(message)
    return text


def _server(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
        message = f"expected HOST:PORT, such as mail:587, got {text}"
        raise argparse.ArgumentTypeError(message)
    return host.removeprefix("[").removesuffix("]"), int(port)
