"""docs/durability.md: the program under gunicorn, by each way of starting that the page names."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.docs import pages
from tests.patience import patience, wait_for
from tests.ports import free_port

pytestmark = pytest.mark.servers
PAGE = "durability.md"
CALLS = 12
SUM = 'invocations_total{publisher_id="acme",agent_id="finder",outcome="success"} '
COMMANDS = [words[1:] for words in pages.commands(PAGE) if words[0] == "gunicorn"]


@contextmanager
def started(
    folder: Path, words: list[str], port: int, metrics: int, *, state: bool
) -> Generator["subprocess.Popen[bytes]"]:
    """Run gunicorn with the page's program, and what it logs in the file ``log``."""
    pages.write_programs(PAGE, folder)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "AGENT_ANALYTICS_"))
    } | {"AGENT_ANALYTICS_METRICS_PORT": str(metrics), "AGENT_ANALYTICS_HOLD_SECONDS": "0"}
    if state:
        assert [name for name, _ in pages.exported(PAGE)] == ["AGENT_ANALYTICS_STATE_DIR"]
        kept["AGENT_ANALYTICS_STATE_DIR"] = str(folder / "state")
    here = ["-b", f"127.0.0.1:{port}", "--no-control-socket"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *here, *words],
            cwd=folder,
            env=kept,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(patience())
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def text(port: int) -> str:
    """Return what a server answers; nothing while there is none."""
    try:
        where = f"http://127.0.0.1:{port}/metrics"
        with urllib.request.urlopen(where, timeout=patience()) as answer:
            return str(answer.read(), "utf-8")
    except OSError:
        return ""


def call(port: int) -> None:
    """Call the agent so often that several workers answer."""
    wait_for(lambda: text(port) == "Platform 3", "the service answers", every=0.1)
    for _ in range(CALLS - 1):
        assert text(port) == "Platform 3"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(words, marks=() if "--preload" in words else pytest.mark.slow, id=words[-2])
        for words in COMMANDS
    ],
)
def test_with_a_directory_all_workers_are_one_sum(tmp_path: Path, words: list[str]) -> None:
    """With the state directory, one port serves every call, preloaded or not."""
    port, metrics = free_port(), free_port()
    with started(tmp_path, words, port, metrics, state=True):
        call(port)
        wait_for(lambda: f"{SUM}{CALLS}\n" in text(metrics), "all calls are shown", every=0.1)
    assert "Nobody can read" not in (tmp_path / "log").read_text("utf-8")


@pytest.mark.slow
def test_without_a_directory_the_second_worker_is_refused(tmp_path: Path) -> None:
    """Not preloaded, the second worker's error names the directory, and gunicorn ends."""
    (words,) = [words for words in COMMANDS if "--preload" not in words]
    with started(tmp_path, words, free_port(), free_port(), state=False) as process:
        assert process.wait(patience()) != 0
    said = (tmp_path / "log").read_text("utf-8")
    assert "OSError" in said
    assert "Address already in use" in said
    assert "AGENT_ANALYTICS_STATE_DIR" in said


@pytest.mark.slow
def test_without_a_directory_preloaded_workers_say_that_nobody_reads_them(tmp_path: Path) -> None:
    """Preloaded, gunicorn runs, its workers say what is missing, and no call is shown."""
    (words,) = [words for words in COMMANDS if "--preload" in words]
    port, metrics = free_port(), free_port()
    with started(tmp_path, words, port, metrics, state=False):
        call(port)
        log = tmp_path / "log"
        said = "Nobody can read what this process counts: set state_dir or"
        wait_for(lambda: said in log.read_text("utf-8"), "it is said", every=0.1)
        assert SUM not in text(metrics)


def test_both_commands_are_tried() -> None:
    """The page starts gunicorn twice, once preloaded."""
    assert [("--preload" in words) for words in COMMANDS] == [False, True]
