"""The comparison finds what is wrong: a ledger is falsified on purpose, Prometheus is real."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.patience import patience
from tests.ports import free_port

from agent_analytics.demo._run.servers import PACKAGES, Server, ServerError, find_command

#: Runs a short market in a process of its own, falsifies three accounts and compares.
FALSIFIED = """
import asyncio, json, sys, time
from rich.console import Console
from agent_analytics.demo._reconciliation.reconcile import reconcile, settle
from agent_analytics.demo._run.session import open_session
from agent_analytics.demo._terminal.steps import Steps

steps = Steps(Console(stderr=True))

async def market(session):
    async with session:
        await asyncio.sleep(6)

with open_session(seed=5, speed=4.0, stop=asyncio.Event(), steps=steps) as session:
    asyncio.run(market(session))
    honest = settle(
        session.prometheus, session.ledger, began=session.began, quiet_since=time.time(),
        patience=float(sys.argv[1]),
    )
    accounts = session.ledger.accounts
    accounts["brightdesk", "ticket-triage"].installs += 1
    accounts["lexora", "clause-finder"].revenue += 10_000_000
    accounts["fareline", "fare-search"].outcomes["success"] -= 1
    found = reconcile(session.prometheus, session.ledger, window_seconds=session.age + 30)
print(json.dumps([honest.as_json(), found.as_json()]))
"""


def _missing() -> str:
    try:
        for command in PACKAGES:
            find_command(command)
    except ServerError as error:
        return str(error)
    return ""


needs_servers = pytest.mark.skipif(bool(_missing()), reason=_missing() or "all installed")


@pytest.mark.servers
@pytest.mark.slow
@needs_servers
def test_one_install_one_cent_and_one_invocation_too_many_are_found() -> None:
    """Exactly the falsified figures differ, by level and by growth."""
    done = subprocess.run(
        [sys.executable, "-c", FALSIFIED, str(patience())],
        capture_output=True,
        text=True,
        timeout=patience(150),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    honest, found = json.loads(done.stdout)
    assert honest["differences"] == []
    differing = sorted((each["group"], each["series"]) for each in found["differences"])
    assert [group for group, _ in differing] == [
        "first events",
        "first events",
        "first events",
        "installs",
        "invocations",
        "invocations by version",
        "money",
        "own health",
    ]
    listing = "agent_id='ticket-triage',publisher_id='brightdesk'"
    assert ("installs", f"marketplace_agent_installs_total{{{listing}}}") in differing


@pytest.mark.servers
@needs_servers
def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    """The end of its log is in the message."""
    config = tmp_path / "prometheus.yml"
    config.write_text("scrape_configs: 7\n", encoding="utf-8")
    port = free_port()
    server = Server(
        "prometheus",
        [
            find_command("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        port=port,
        log=tmp_path / "log",
    )
    try:
        with pytest.raises(ServerError, match=r"(?s)prometheus ended with status \d.*unmarshal"):
            server.wait_ready()
    finally:
        server.stop()
    assert not server.alive
