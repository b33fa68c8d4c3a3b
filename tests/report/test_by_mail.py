"""The program of docs/report.md mails a publisher its report."""

import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from email import message_from_bytes, policy
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from tests.docs import pages
from tests.patience import patience, wait_for
from tests.report.counted import counted

from agent_analytics.exporters import start_http_server
from agent_analytics.insights import PublisherAnalytics
from agent_analytics.insights.analytics import NoData

if TYPE_CHECKING:
    from email.message import EmailMessage

pytestmark = pytest.mark.servers


class Mailbox(socketserver.TCPServer):
    """A mail server that keeps what it is given."""

    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.mails: list[EmailMessage] = []


class Session(socketserver.StreamRequestHandler):
    """One connection, as RFC 5321 has it."""

    def handle(self) -> None:
        """Answer until the other side says goodbye."""
        self._say(b"220 here")
        while line := self.rfile.readline():
            word = line[:4].upper()
            self._say({b"DATA": b"354 go on", b"QUIT": b"221 bye"}.get(word, b"250 well"))
            if word == b"DATA":
                content = b"".join(iter(self.rfile.readline, b".\r\n"))
                mail = message_from_bytes(content, policy=policy.default)
                cast("Mailbox", self.server).mails.append(mail)
                self._say(b"250 kept")
            if word == b"QUIT":
                return

    def _say(self, line: bytes) -> None:
        self.wfile.write(line + b"\r\n")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """Run a mail server."""
    with Mailbox() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def run(program: Path, url: str, port: int) -> "subprocess.CompletedProcess[str]":
    """Run the program as cron does."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "AGENT_ANALYTICS_PROMETHEUS": url,
        "SMTP": f"127.0.0.1:{port}",
    }
    return subprocess.run(
        [sys.executable, str(program)],
        capture_output=True,
        text=True,
        timeout=patience(),
        check=False,
        env=environment,
    )


def test_a_publisher_gets_its_page(
    start: Callable[..., AbstractContextManager[str]], mailbox: Mailbox, tmp_path: Path
) -> None:
    """The page is attached whole to a mail to the publisher's address."""
    program = pages.write_programs("report.md", tmp_path)["mail_reports.py"]
    port = mailbox.server_address[1]
    with start_http_server(counted(7, failed=2, first_tenant=0), port=0) as service:
        config = f"""
scrape_configs:
  - job_name: agent-analytics
    scrape_interval: 1s
    static_configs: [{{targets: ["127.0.0.1:{service.port}"]}}]
"""
        with start(tmp_path / "data", config) as url:

            def known() -> bool:
                try:
                    return bool(PublisherAnalytics(url, timeout=patience()).publishers(7))
                except NoData:
                    return False

            wait_for(known, "Prometheus scrapes", every=0.2)
            done = run(program, url, port)
    assert done.returncode == 0, done.stderr
    (mail,) = mailbox.mails
    assert mail["To"] == "agents@acme.example"
    assert mail["Subject"] == "Agents of acme: the last 7 days"
    (page,) = mail.iter_attachments()
    assert page.get_filename() == "acme.html"
    assert "<title>Agents of acme" in page.get_content()


def test_the_operator_learns_why_there_is_none(mailbox: Mailbox, tmp_path: Path) -> None:
    """Without Prometheus nobody is mailed, and standard error says why."""
    program = pages.write_programs("report.md", tmp_path)["mail_reports.py"]
    done = run(program, "http://127.0.0.1:9", mailbox.server_address[1])
    assert "no answer from Prometheus" in done.stderr
    assert mailbox.mails == []
