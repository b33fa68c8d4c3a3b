"""The doctor finds what is wrong with state and service, and nothing where nothing is."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from agent_analytics.cli._doctor import examine
from agent_analytics.exporters import start_http_server

Start = Callable[..., Any]
Found = Callable[..., str]
FINE = {"AGENT_ANALYTICS_TENANT_KEY": "secret"}


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Found:
    """Return what returns all that is found in an environment."""
    for variable in os.environ:
        if variable.startswith(("OTEL_", "AGENT_ANALYTICS_", "WEB_")):
            monkeypatch.delenv(variable)

    def look(
        environment: Mapping[str, str], metrics: str = "none", prometheus: str = "none"
    ) -> str:
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            problems = examine(metrics, prometheus).problems
        return "\n".join(problem.wrong for problem in problems)

    return look


def test_a_healthy_service(worker: Start, tmp_path: Path, found: Found) -> None:
    """Environment, state directory and exposition are as they should be."""
    one = worker(tmp_path / "state", service="shop")
    one.invoke()
    environment = FINE | {
        "AGENT_ANALYTICS_STATE_DIR": str(tmp_path / "state"),
        "OTEL_SERVICE_NAME": "shop",
    }
    with start_http_server(one.processor) as server:
        assert found(environment, f"{server.url}/metrics") == ""


def test_the_environment(found: Found) -> None:
    """Workers in memory, and recording switched off; of the key the service knows."""
    environment = {"WEB_CONCURRENCY": "4", "OTEL_SDK_DISABLED": "true"}
    said = found(environment)
    assert "TENANT_KEY" not in said
    assert "4 workers" in said
    assert "OTEL_SDK_DISABLED" in said


def test_the_state_directory(worker: Start, tmp_path: Path, found: Found) -> None:
    """Another service's, with a foreign file, a cut one, and one that nobody uses any more."""
    state = tmp_path / "state"
    one = worker(state, service="shop")
    one.invoke()
    (state / "slot-0001").write_bytes(b"foreign!" * (1 << 15))
    (state / "slot-0002").write_bytes(b"AGANSLOT" + b"x" * 100)
    old = state / "slot-0003"
    old.write_bytes((state / "slot-0000").read_bytes())
    os.utime(old, (1_000_000_000, 1_000_000_000))
    environment = FINE | {"AGENT_ANALYTICS_STATE_DIR": str(state), "OTEL_SERVICE_NAME": "library"}
    said = found(environment)
    assert "belongs to service 'shop'" in said
    assert "slot-0001" in said
    assert "slot-0002 was cut short" in said
    assert "slot-0003 has had no worker for" in said
    assert "slot-0000" not in said


def test_what_the_exposition_tells(worker: Start, tmp_path: Path, found: Found) -> None:
    """Spans of nobody and refused values are named with their numbers."""
    one = worker(tmp_path / "state")
    tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
    one.span(tool)
    one.invoke(gen_ai_usage_input_tokens=-1)
    with start_http_server(one.processor) as server:
        said = found(FINE, f"{server.url}/metrics")
        assert "is no exposition of agent-analytics: the index" in found(FINE, f"{server.url}/")
    assert "1 spans name no publisher" in said
    assert "does not answer" in found(FINE, f"{server.url}/metrics")
    assert "does not answer" in found(FINE, "none", server.url)
