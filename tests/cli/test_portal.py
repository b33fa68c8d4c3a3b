"""``agent-analytics portal``: what it prints, what it serves, and what it says where it cannot."""

import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from tests.patience import patience

from agent_analytics.cli import main
from agent_analytics.portal import page_is_built

COMMAND = (sys.executable, "-m", "agent_analytics.cli", "portal", "--prometheus")


@contextmanager
def ended(process: subprocess.Popen[str]) -> Generator[None]:
    """Kill a process that is left over where a test fails."""
    try:
        yield
    finally:
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_end(number: signal.Signals) -> None:
    """It prints its address, answers there under that name alone, and ends by a signal.

    Also where it was started in the background, deaf to Ctrl-C.
    """
    if not page_is_built():
        pytest.skip("the portal's page is not built (scripts/setup-portal)")
    command = [*COMMAND, "http://127.0.0.1:9", "--port", "0"]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    with process, ended(process):
        assert process.stdout is not None
        address = process.stdout.readline().removeprefix("Portal: ").strip()
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(f"{address}/", timeout=patience()) as answer:
            assert b"<base href" in answer.read()
        rebound = urllib.request.Request(address, headers={"Host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(rebound, timeout=patience())
        refused.value.close()
        assert refused.value.code == 403
        process.send_signal(number)
        assert process.wait(patience()) == 0


def test_a_port_that_is_taken_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Status 1, and which address."""
    if not page_is_built():
        pytest.skip("the portal's page is not built (scripts/setup-portal)")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["portal", "--port", port]) == 1
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err


def test_without_the_page_it_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An installation from source has no page unless asked; the command says so and ends."""
    monkeypatch.setattr("agent_analytics.portal.page_is_built", lambda: False)
    assert main(["portal", "--port", "0"]) == 1
    assert "AGENT_ANALYTICS_PORTAL=1" in capsys.readouterr().err


def test_an_address_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2, before anything listens."""
    if not page_is_built():
        pytest.skip("the portal's page is not built (scripts/setup-portal)")
    assert main(["portal", "--prometheus", "ftp://x", "--port", "0"]) == 2
    assert "expected an address" in capsys.readouterr().err
