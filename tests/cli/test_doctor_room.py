"""The doctor says that an exposition, or a publisher's share of it, is nearly full."""

import os
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider

from agent_analytics.cli._doctor import examine
from agent_analytics.exporters import start_http_server
from agent_analytics.instrumentation import vocabulary as names
from agent_analytics.processor import AgentMetricsProcessor, Limits


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out of the environment what says where services are."""
    for variable in os.environ:
        if variable.startswith(("OTEL_", "AGENT_ANALYTICS_")):
            monkeypatch.delenv(variable)


@pytest.mark.parametrize(
    ("listings", "share", "said"),
    [
        (1, 0.5, ""),
        (30, 0.5, "A publisher has "),
        (40, 1.0, "The exposition is "),
    ],
)
def test_an_exposition_that_fills(listings: int, share: float, said: str) -> None:
    """Nothing is said while there is room; then who is near the end, and what to set."""
    limits = Limits(max_samples=5_000, max_exposition_bytes=1_000_000, publisher_share=share)
    processor = AgentMetricsProcessor(hold_seconds=0, limits=limits)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    for number in range(listings):
        attributes = {
            names.OPERATION_NAME: names.INVOKE_AGENT,
            names.PUBLISHER_ID: "acme",
            names.AGENT_ID: f"agent-{number}",
        }
        provider.get_tracer("test").start_span("invoke_agent", attributes=attributes).end()
    with start_http_server(processor) as server:
        found = examine(f"http://127.0.0.1:{server.port}/metrics", "none")
    told = [
        problem
        for problem in found.problems
        if problem.wrong.startswith(("A publisher has ", "The exposition is "))
    ]
    if not said:
        assert not told
        return
    (problem,) = told
    assert problem.wrong.startswith(said)
    assert "_other" in problem.wrong
    assert "AGENT_ANALYTICS_MAX_SAMPLES" in problem.remedy


@pytest.mark.parametrize("usable", [True, False])
def test_a_state_directory_that_cannot_be_used(
    tmp_path: Path,
    usable: bool,  # noqa: FBT001 - a case
) -> None:
    """It is said how many workers count in memory, and where to read why."""
    state = tmp_path / "state"
    if not usable:
        state.touch()
    processor = AgentMetricsProcessor(hold_seconds=0, state_dir=state)
    with start_http_server(processor) as server:
        found = examine(f"http://127.0.0.1:{server.port}/metrics", "none")
    wrong = [each.wrong for each in found.problems if "state directory" in each.wrong]
    assert len(wrong) == (not usable)
    assert all("fails 1 of the workers" in each for each in wrong)
