"""What a real Alertmanager sends to Slack, PagerDuty, a mailbox and a webhook."""

import email
import email.policy
import json
import shutil
import socketserver
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.patience import patience, wait_for
from tests.ports import free_port

from agent_analytics.insights import alertmanager_config
from agent_analytics.insights._prometheus.receivers import (
    Email,
    MailServer,
    PagerDuty,
    Slack,
    Webhook,
)

pytestmark = pytest.mark.servers

LABELS = {
    "alertname": "AgentErrorRateHigh",
    "audience": "oncall",
    "insight": "error-rate",
    "severity": "critical",
    "publisher_id": "acme",
    # Names come from publishers: none may call a whole channel.
    "agent_id": "<!channel> & co",
}
NOTES = {
    "title": "Error rate above 5 %",
    "description": "20 % of 600 calls of <!channel> & co failed in the last minute.",
    "recommendation": "Look at the traces.",
    "runbook_url": "https://example.com/runbooks/error-rate.md",
}


@dataclass
class World:
    """Everybody who is told, on loopback.

    Attributes:
        posted: What came over HTTP, by path.
        mails: What came by mail.
    """

    posted: dict[str, Any] = field(default_factory=dict[str, Any])
    mails: list[str] = field(default_factory=list[str])
    http: int = 0
    smtp: int = 0


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Listen as Slack, PagerDuty, a webhook and a mail server do."""
    known = World()

    class Web(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            known.posted[self.path] = json.loads(body)
            self.send_response(202)
            self.end_headers()
            # Both PagerDuty and Slack answer in JSON; Alertmanager reads neither when all is well.
            self.wfile.write(b'{"status": "success", "ok": true}')

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the base
            """Say nothing."""

    class Mail(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline().decode().strip():
                word = line.split()[0].upper()
                self.wfile.write(b"354 go on\r\n" if word == "DATA" else b"250 well\r\n")
                if word == "DATA":
                    lines: list[str] = []
                    while (text := self.rfile.readline().decode()) != ".\r\n":
                        lines.append(text)
                    known.mails.append("".join(lines))
                    self.wfile.write(b"250 taken\r\n")
                if word == "QUIT":
                    return

    with (
        ThreadingHTTPServer(("127.0.0.1", 0), Web) as web,
        socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mail) as mail,
    ):
        known.http, known.smtp = web.server_address[1], mail.server_address[1]
        for server in (web, mail):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        yield known
        web.shutdown()
        mail.shutdown()


@pytest.fixture(scope="module")
def told(world: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Let an Alertmanager with our configuration tell everybody of an alert."""
    command = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if command is None:
        pytest.skip("Alertmanager is not installed (Debian: prometheus-alertmanager)")
    folder = tmp_path_factory.mktemp("alertmanager")
    base = f"http://127.0.0.1:{world.http}"
    (folder / "slack").write_text(f"{base}/slack", encoding="utf-8")
    (folder / "key").write_text("k" * 32, encoding="utf-8")
    text = alertmanager_config(
        oncall=[
            Slack(str(folder / "slack")),
            PagerDuty(str(folder / "key")),
            Email("oncall@example.com"),
            Webhook(f"{base}/hook"),
        ],
        mail=MailServer(f"127.0.0.1:{world.smtp}", "alerts@example.com", tls=False),
    )
    # PagerDuty itself is elsewhere.
    text = text.replace("global:\n", f"global:\n  pagerduty_url: {base}/pagerduty\n")
    config = folder / "alertmanager.yml"
    config.write_text(text, encoding="utf-8")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                command,
                f"--config.file={config}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        wait_for(lambda: answers(f"{url}/-/ready"), "Alertmanager is ready", every=0.1)
        starts = datetime.now(UTC).isoformat()
        alert = {"labels": LABELS, "annotations": NOTES, "startsAt": starts}
        request = urllib.request.Request(
            f"{url}/api/v2/alerts",
            data=json.dumps([alert]).encode(),
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=patience()).close()
        wait_for(
            lambda: {"/slack", "/pagerduty", "/hook"} <= set(world.posted) and world.mails,
            f"everybody is told; see {folder / 'log'}",
            every=0.1,
        )
    finally:
        process.terminate()
        process.wait(patience())
    return world


def answers(url: str) -> bool:
    """Tell whether a server answers."""
    try:
        urllib.request.urlopen(url, timeout=patience()).close()
    except OSError:
        return False
    return True


def test_slack_shows_the_number_and_what_to_do(told: World) -> None:
    """A message has title, number, advice and runbook, and calls nobody by an agent's name."""
    (attachment,) = told.posted["/slack"]["attachments"]
    assert attachment["title"] == "[FIRING] Error rate above 5 %"
    assert attachment["text"].rstrip() == (
        "*Error rate above 5 %* (firing, critical)\n"
        "agent &lt;!channel&gt; &amp; co: "
        "20 % of 600 calls of &lt;!channel&gt; &amp; co failed in the last minute.\n"
        "What to do: Look at the traces.\n"
        "Runbook: https://example.com/runbooks/error-rate.md"
    )
    assert "<!" not in json.dumps(told.posted["/slack"])


def test_pagerduty_gets_severity_and_details(told: World) -> None:
    """An incident is named after the insight, is as severe, and has the number in its details."""
    event = told.posted["/pagerduty"]
    assert event["routing_key"] == "k" * 32
    payload = event["payload"]
    assert payload["summary"] == "[FIRING] Error rate above 5 %"
    assert payload["severity"] == "critical"
    assert (payload["class"], payload["group"]) == ("error-rate", "acme")
    assert NOTES["description"] in payload["custom_details"]["insights"]


def test_mail_is_plain_text(told: World) -> None:
    """A mail has the insight in its subject and text, and links to none of our servers."""
    message = email.message_from_string(told.mails[0], policy=email.policy.default)
    assert message["Subject"] == "[FIRING] Error rate above 5 %"
    assert message["To"] == "oncall@example.com"
    (part,) = [part for part in message.walk() if not part.is_multipart()]
    assert part.get_content_type() == "text/plain"
    text = part.get_content()
    assert NOTES["description"] in text
    assert "What to do: Look at the traces." in text
    assert "127.0.0.1" not in text


def test_a_webhook_gets_all_of_it(told: World) -> None:
    """A program of one's own gets labels and annotations as they are."""
    (alert,) = told.posted["/hook"]["alerts"]
    assert alert["labels"] == LABELS
    assert alert["annotations"] == NOTES


def test_one_configuration_has_what_both_ways_of_naming_give() -> None:
    """Webhooks by URL and receivers as objects may be given together."""
    text = alertmanager_config(
        oncall_url="http://a/",
        oncall=[Webhook("http://b/")],
        publisher_urls={"acme": "http://c/"},
        publisher={"acme": [Webhook("http://d/")]},
    )
    assert [line.split('"')[1] for line in text.splitlines() if "url:" in line] == [
        "http://a/",
        "http://b/",
        "http://c/",
        "http://d/",
    ]
