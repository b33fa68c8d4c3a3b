"""Machines that let nothing be written: the metrics are served all the same."""

import json
import subprocess
import sys
from typing import Any

import pytest
from tests import forked

#: Nothing can be written by a process whose files may have no bytes; the kernel sees to it.
READ_ONLY = """
import resource, json, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
import tempfile
try:
    tempfile.gettempdir()
except FileNotFoundError:
    pass
else:
    sys.exit("a folder can be written to")
"""
APPS = """
import asyncio
from wsgiref.util import setup_testing_defaults
from agent_analytics.exporters import make_asgi_app, make_wsgi_app
from agent_analytics.processor import AgentMetricsProcessor

processor = AgentMetricsProcessor()
told = []

def wsgi(port, **more):
    environ = {"PATH_INFO": "/metrics", "SERVER_PORT": port, **more}
    setup_testing_defaults(environ)
    list(make_wsgi_app(processor)(environ, lambda status, headers: told.append(int(status[:3]))))

def asgi(port):
    async def send(message):
        if "status" in message:
            told.append(message["status"])
    scope = {"type": "http", "method": "GET", "path": "/metrics", "headers": [],
             "server": ("127.0.0.1", port)}
    asyncio.run(make_asgi_app(processor)(scope, None, send))
"""
TELL = "\nprint(json.dumps(told), flush=True)\nsys.stdin.read()\n"


def start(code: str) -> subprocess.Popen[str]:
    """Start a program that prints one line and ends with its input."""
    return forked.start(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def told(program: subprocess.Popen[str]) -> Any:  # noqa: ANN401 - JSON
    """Return what a program prints."""
    assert program.stdout is not None
    line = program.stdout.readline()
    assert line, program.communicate()[1]
    return json.loads(line)


@pytest.mark.parametrize("scrapes", ["wsgi('18001'); wsgi('18001')", "asgi(18002); asgi(18002)"])
def test_the_apps_answer(scrapes: str) -> None:
    """On a read-only root and /tmp, without a state directory, a scrape is a 200."""
    with start(READ_ONLY + APPS + scrapes + TELL) as program:
        assert told(program) == [200, 200]
        assert program.communicate()[1] == ""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="names of sockets are Linux's")
def test_several_processes_are_refused_there_too() -> None:
    """A second process on the port is refused while the first lives, and served after it."""
    code = READ_ONLY + APPS + "wsgi('18003')" + TELL
    with start(code) as first:
        assert told(first) == [200]
        with start(code) as second:
            assert told(second) == [503]
            second.communicate()
        first.communicate()
    with start(code) as third:
        assert told(third) == [200]
        third.communicate()


def test_configure_without_a_place_to_write() -> None:
    """A runtime with a server, and one whose state directory cannot be made, count and serve."""
    code = (
        READ_ONLY
        + """
import urllib.request
from agent_analytics.exporters import configure
from agent_analytics.instrumentation import agent

@agent(publisher_id="acme", agent_id="finder")
def find():
    return 1

told = []
for state in (None, "/proc/nowhere/state"):
    with configure(metrics_port=0, state_dir=state, hold_seconds=0, tenant_key="k") as runtime:
        find()
        body = urllib.request.urlopen(runtime.server.url + "/metrics").read().decode()
        told += [line[-1] for line in body.splitlines()
                 if line.startswith("marketplace_agent_invocations_total") and "success" in line]
"""
        + TELL
    )
    with start(code) as program:
        assert told(program) == ["1", "1"]
        assert "/proc/nowhere/state" in program.communicate()[1]
