"""docs/configuration.md: an application that serves the metrics on its own port."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from tests.docs import pages
from tests.patience import patience, wait_for
from tests.ports import free_port


@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "/metrics/sketches"])
def test_the_application_serves_both_parts(path: str, tmp_path: Path) -> None:
    """Below the mount, what Prometheus scrapes is there."""
    pages.write_programs("configuration.md", tmp_path)
    port = free_port()
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OTEL_", "AGENT_ANALYTICS_"))
    }
    command = [sys.executable, "-m", "uvicorn", "own_app:app", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=tmp_path, env=kept, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            shown: list[str] = []

            def served() -> bool:
                try:
                    with urllib.request.urlopen(
                        f"http://127.0.0.1:{port}{path}", timeout=patience()
                    ) as answer:
                        shown.append(answer.read().decode())
                except OSError:
                    return False
                return True

            wait_for(served, "the application serves", every=0.05)
        finally:
            process.terminate()
    # Nobody has used an agent, so the sketches are empty.
    assert ("agent_analytics_spans_total" in shown[0]) == (not path.endswith("sketches"))
