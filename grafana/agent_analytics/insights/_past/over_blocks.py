"""Runs a Prometheus over blocks."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from agent_analytics.insights._past.servers import (
    LOOPBACK,
    Server,
    ServerError,
    find_command,
    free_port,
)

_ATTEMPTS = 3


@contextmanager
def prometheus_over(data: Path, *, rules: Path | None = None) -> Generator[str, None, None]:
    """Run Prometheus over a data directory and give its address.

    It scrapes nothing. It reads blocks when it starts: blocks that are added later are seen by
    the next one.

    Args:
        data: Directory of the blocks.
        rules: Directory of rule files to load, if any.

    Raises:
        ServerError: Prometheus is not installed, or did not start.
    """
    command = find_command("prometheus")
    with tempfile.TemporaryDirectory(prefix="agent-analytics-past-") as home:
        config = Path(home) / "prometheus.yml"
        loaded = f'rule_files: ["{rules.resolve()}/*.yml"]\n' if rules else ""
        config.write_text(f"global: {{}}\n{loaded}", encoding="utf-8")
        server = _start(command, config, data, Path(home) / "log")
        try:
            yield server.url
        finally:
            server.stop()


def _start(command: str, config: Path, data: Path, log: Path) -> Server:
    for attempt in range(1, _ATTEMPTS + 1):
        port = free_port()
        server = Server(
            "prometheus",
            [
                command,
                f"--config.file={config}",
                f"--storage.tsdb.path={data}",
                "--storage.tsdb.retention.time=10y",
                "--query.max-samples=200000000",
                "--query.timeout=5m",
                f"--web.listen-address={LOOPBACK}:{port}",
            ],
            port=port,
            log=log,
        )
        try:
            server.wait_ready()
        except BaseException as error:
            server.stop()
            taken = "address already in use" in server.last_lines()
            if attempt == _ATTEMPTS or not (isinstance(error, ServerError) and taken):
                raise
        else:
            return server
    raise AssertionError  # every turn of the loop returns, raises or tries again
