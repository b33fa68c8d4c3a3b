"""Mailing a report: what the command says to mail servers, and what it says of them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.message import EmailMessage
from pathlib import Path

import pytest
from tests.ports import free_port
from tests.report.mailbox import PASSWORD, USER, Mailbox, Server, write_certificate

from agent_analytics.cli import main
from agent_analytics.insights._report.mail import server as smtp
from agent_analytics.insights._report.mail.server import Mailing, NotMailedError, send
from agent_analytics.insights.config import MailServer

Serve = Callable[..., Server]
READER = "agents@acme.example"


@pytest.fixture
def box() -> Mailbox:
    """Return what a server is given."""
    return Mailbox()


@pytest.fixture
def serve(box: Mailbox) -> Iterator[Serve]:
    """Start mail servers that are stopped afterwards."""
    with ExitStack() as running:

        def started(certificate: Path | None = None, **more: bool) -> Server:
            server = Server(box, certificate, **more)
            server.start()
            running.callback(server.stop)
            return server

        yield started


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a certificate, of an authority that is trusted."""
    write_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return tmp_path


def _mailing(port: int, *to: str, password: Path | None = None, plain: bool = False) -> Mailing:
    return Mailing(
        to=to or (READER,),
        server=MailServer(
            f"127.0.0.1:{port}",
            "reports@market.example",
            username=None if password is None else USER,
            password_file=None if password is None else str(password),
            tls=not plain,
        ),
    )


def _mail_to(*to: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "reports@market.example", ", ".join(to), "well"
    mail.set_content("Nothing else.")
    return mail


def _password(folder: Path, text: str = PASSWORD) -> Path:
    path = folder / "password"
    path.write_text(f"{text}\n", encoding="utf-8")
    return path


def test_by_starttls_with_a_password(serve: Serve, box: Mailbox, certificate: Path) -> None:
    """A mail goes with TLS and a password, to every reader."""
    server = serve(certificate, passwords=True)
    to = (READER, "boss@acme.example")
    send(_mail_to(*to), _mailing(server.port, *to, password=_password(certificate)))
    assert box.readers == [list(to)]
    assert box.names == [USER]


def test_by_tls_at_once(
    serve: Serve, box: Mailbox, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the port for it, TLS comes before the first word."""
    server = serve(certificate, at_once=True)
    monkeypatch.setattr(smtp, "_TLS_AT_ONCE", server.port)  # 465 may be taken here
    send(_mail_to(READER), _mailing(server.port))
    assert box.readers == [[READER]]


def test_plain_where_that_is_asked_for(serve: Serve, box: Mailbox) -> None:
    """A server without TLS takes a mail with ``--smtp-plain``."""
    send(_mail_to(READER), _mailing(serve().port, plain=True))
    assert box.readers == [[READER]]


def test_never_plain_unasked(serve: Serve, box: Mailbox, tmp_path: Path) -> None:
    """A server that offers no TLS, or somebody who has taken it out of the offer, gets nothing."""
    server = serve()
    with pytest.raises(NotMailedError, match="--smtp-plain"):
        send(_mail_to(READER), _mailing(server.port, password=_password(tmp_path)))
    assert box.mails == []


def test_a_stranger_for_a_server(
    serve: Serve, box: Mailbox, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate that nobody vouches for, or of another host, ends the conversation."""
    server = serve(certificate, passwords=True)
    how = _mailing(server.port, password=_password(certificate))
    write_certificate(certificate, "elsewhere.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "ca.pem"))
    with pytest.raises(NotMailedError, match="certificate"):
        send(_mail_to(READER), how)
    assert (box.mails, box.names) == ([], [])


def test_a_wrong_password(serve: Serve, box: Mailbox, certificate: Path) -> None:
    """What the server says is passed on, and the password is not."""
    server = serve(certificate, passwords=True)
    how = _mailing(server.port, password=_password(certificate, "guessed"))
    with pytest.raises(NotMailedError, match="535") as error:
        send(_mail_to(READER), how)
    assert "--smtp-user" in str(error.value)
    assert "guessed" not in str(error.value)
    assert box.mails == []


@pytest.mark.parametrize("others", [(), ("boss@acme.example",)])
def test_a_reader_whom_nobody_knows(serve: Serve, box: Mailbox, others: tuple[str, ...]) -> None:
    """The other readers get the mail, and the address that is refused is named."""
    box.refused = {READER}
    to = (READER, *others)
    with pytest.raises(NotMailedError, match=f"{READER}: 550"):
        send(_mail_to(*to), _mailing(serve().port, *to, plain=True))
    assert box.readers == ([list(others)] if others else [])


def test_nobody_answers(tmp_path: Path) -> None:
    """A server that is not there is named, with the option that names it."""
    port = free_port()
    with pytest.raises(NotMailedError, match=f"no answer from 127.0.0.1:{port}.*--smtp"):
        send(_mail_to(READER), _mailing(port))
    assert not any(tmp_path.iterdir())


def test_a_password_that_cannot_be_read(serve: Serve, certificate: Path) -> None:
    """The file is named."""
    how = _mailing(serve(certificate, passwords=True).port, password=certificate / "nowhere")
    with pytest.raises(NotMailedError, match=r"--smtp-password-file .*nowhere"):
        send(_mail_to(READER), how)


FULL = ("--mail-to", READER, "--smtp", "mail:25", "--smtp-from", "reports@market.example")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (FULL[:2], "--mail-to goes with --smtp HOST:PORT and --smtp-from ADDRESS"),
        (FULL[:4], "--mail-to goes with --smtp HOST:PORT and --smtp-from ADDRESS"),
        (FULL[2:4], "--smtp goes with --mail-to ADDRESS"),
        (FULL[4:], "--smtp-from goes with --mail-to ADDRESS"),
        (("--smtp-plain",), "--smtp-plain goes with --mail-to ADDRESS"),
        ((*FULL, "--smtp-user", "me"), "--smtp-user and --smtp-password-file go together"),
        (
            (*FULL, "--smtp-user", "me", "--smtp-password-file", "word", "--smtp-plain"),
            "--smtp-plain would send the password of --smtp-user without TLS",
        ),
        ((*FULL, "--format", "json"), "--format says what --output holds"),
        (("--mail-to", "acme"), "argument --mail-to: expected an address such as"),
        (("--mail-to", "a@b\nBcc: c@d"), "argument --mail-to: expected an address such as"),
        (("--mail-to", "@acme.example"), "argument --mail-to: expected an address such as"),
        (("--mail-to", "a@b, c@d"), "argument --mail-to: expected an address such as"),
        ((*FULL[:4], "--smtp-from", "acme"), "--smtp-from: expected an address such as"),
        (("--smtp", "mail"), "argument --smtp: expected HOST:PORT, such as mail:587, got mail"),
        (("--smtp", "mail:0"), "argument --smtp: expected HOST:PORT"),
    ],
)
def test_options_that_do_not_go_together(
    options: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before Prometheus is asked for anything, the option is named that is wrong or lacking."""
    try:
        status = main(["report", "acme", "--prometheus", "http://127.0.0.1:9", *options])
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    assert status == 2
    assert message in capsys.readouterr().err
