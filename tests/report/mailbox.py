"""A mail server for tests, with TLS and passwords as one asks for them."""

import ssl
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, cast

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from tests.patience import patience

if TYPE_CHECKING:
    import asyncio

USER, PASSWORD = "reports", "swordfish"


@dataclass
class Mailbox:
    """What a mail server was given.

    Attributes:
        mails: Every mail, whole.
        readers: Whom each was for, as the envelope says.
        names: Who has given the right password.
        refused: Readers that the server does not know.
    """

    mails: list[EmailMessage] = field(default_factory=list[EmailMessage])
    readers: list[list[str]] = field(default_factory=list[list[str]])
    names: list[str] = field(default_factory=list[str])
    refused: set[str] = field(default_factory=set[str])

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Take a reader, or refuse one."""
        if address in self.refused:
            return "550 5.1.1 nobody of this name"
        envelope.rcpt_tos.append(address)
        return "250 well"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail."""
        content = cast("bytes", envelope.content)
        self.mails.append(message_from_bytes(content, policy=policy.default))
        self.readers.append(list(envelope.rcpt_tos))
        return "250 kept"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, said: object
    ) -> AuthResult:
        """Let in who knows the password."""
        right = isinstance(said, LoginPassword) and (said.login, said.password) == (
            USER.encode(),
            PASSWORD.encode(),
        )
        if right:
            self.names.append(USER)
        return AuthResult(success=right, handled=right)


class Server(Controller):
    """A mail server on a port of its own.

    Args:
        box: What it is given.
        certificate: Folder with ``server.pem`` and ``server.key``: TLS is offered, by STARTTLS.
        at_once: TLS comes before the first word.
        passwords: Only who knows the password may send.
    """

    def __init__(
        self,
        box: Mailbox,
        certificate: Path | None = None,
        *,
        at_once: bool = False,
        passwords: bool = False,
    ) -> None:
        self.box = box
        context = None
        if certificate is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate / "server.pem", certificate / "server.key")
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - of a mixin's options
            box,
            hostname="127.0.0.1",
            port=0,
            ssl_context=context if at_once else None,
            tls_context=None if at_once else context,
            require_starttls=context is not None and not at_once,
            auth_required=passwords,
            authenticator=box.authenticate if passwords else None,
            ready_timeout=patience(),
        )

    def _trigger_server(self) -> None:
        self.port = self.bound  # the kernel has chosen it by now
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd leaves it untyped

    @property
    def bound(self) -> int:
        """The port that the kernel has chosen."""
        server = cast("asyncio.Server", self.server)
        return int(server.sockets[0].getsockname()[1])

    @property
    def address(self) -> str:
        """Host and port, as an option has them."""
        return f"127.0.0.1:{self.port}"


def write_certificate(folder: Path, name: str = "127.0.0.1") -> None:
    """Write ``server.pem`` and ``server.key``, and ``ca.pem`` of who signed them."""
    authority = trustme.CA()
    leaf = authority.issue_cert(name)
    leaf.cert_chain_pems[0].write_to_path(str(folder / "server.pem"))
    leaf.private_key_pem.write_to_path(str(folder / "server.key"))
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
