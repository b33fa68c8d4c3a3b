"""Without a line of code every count is what the program and the model API counted themselves."""

from pathlib import Path
from typing import Any

import pytest
from tests.zero_code.launch import (
    ACME,
    OURS,
    PLAIN,
    PROGRAMS,
    Counts,
    announced,
    asked,
    put_first,
    running,
)

#: What opentelemetry-distro would export to a collector that is not there.
QUIET = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}
FAMILIES = {
    "invocations_total", "tool_calls_total", "inference_calls_total",
    "input_tokens_total", "output_tokens_total",
}  # fmt: skip


def told(counts: Counts) -> Counts:
    """Return the counters that this page compares."""
    return {key: value for key, value in counts.items() if key[0] in FAMILIES}


def expected(api: Any, done: dict[str, int], who: tuple[str, str] = ("acme", "finder")) -> Counts:  # noqa: ANN401 - untyped
    """Return the counters that follow from the truth."""
    model = api.calls[0].model  # as it was asked: one of the instrumentations says so
    counts: dict[tuple[str, ...], int] = {
        ("invocations_total", *who, "success"): done.get("runs", 0),
        ("inference_calls_total", *who, model, "success"): len(api.calls),
        ("input_tokens_total", *who, model): sum(call.input_tokens for call in api.calls),
        ("output_tokens_total", *who, model): sum(call.output_tokens for call in api.calls),
        **{
            ("tool_calls_total", *who, tool, "success"): done.get(tool, 0)
            for tool in ("search", "calculator")
        },
    }
    return {key: float(value) for key, value in counts.items() if value}


def test_a_framework_and_two_instrumentations_of_its_sdk(api: Any) -> None:  # noqa: ANN401 - untyped
    """Three record each model call of an agent, and it counts once."""
    with running("finder.py", ACME | asked(api)) as program:
        done = program.told()
        assert done == {"runs": 2, "search": 2, "calculator": 2}
        assert len(api.calls) == 6
        assert told(program.counts()) == expected(api, done)
        said = program.finish()
    on, _, waiting = announced(said).partition("; on as soon as imported: ")
    assert on.startswith("on: ")
    assert "openai (openinference-instrumentation-openai " in on
    assert "openai (opentelemetry-instrumentation-genai-openai " in on
    assert "pydantic-ai (pydantic-ai-slim " in waiting.partition("; skipped: ")[0]
    assert f"agent-analytics: metrics on http://127.0.0.1:{program.port}/metrics\n" in said
    assert program.process.returncode == 0


@pytest.mark.slow
def test_an_sdk_and_two_instrumentations(api: Any) -> None:  # noqa: ANN401 - untyped
    """Model calls of no agent belong to the listing that the environment names, each once."""
    with running("asker.py", ACME | asked(api) | {"AGENT_ANALYTICS_AGENT_ID": "asker"}) as program:
        assert program.told() == {"calls": len(api.calls)}
        assert told(program.counts()) == expected(api, {}, ("acme", "asker"))


@pytest.mark.slow
def test_resource_attributes_name_the_listing(api: Any) -> None:  # noqa: ANN401 - untyped
    """OTEL_RESOURCE_ATTRIBUTES is believed before our own variables."""
    settings = OURS | {
        "AGENT_ANALYTICS_PUBLISHER_ID": "zeta",
        "OTEL_RESOURCE_ATTRIBUTES": "marketplace.publisher.id=acme,marketplace.agent.id=seeker",
    }
    with running("finder.py", settings | asked(api)) as program:
        done = program.told()
        assert told(program.counts()) == expected(api, done, ("acme", "seeker"))


@pytest.mark.slow
def test_baggage_names_the_listing(api: Any) -> None:  # noqa: ANN401 - untyped
    """Baggage, as a proxy in front may send it, is believed where callers are trusted.

    It never moves work away from the publisher that the environment names.
    """
    code = f"""
from opentelemetry import propagate
from opentelemetry.context import attach
attach(propagate.extract(
    {{"baggage": "marketplace.publisher.id=acme,marketplace.agent.id=carried"}}))
exec(open({str(PROGRAMS / "finder.py")!r}).read())
"""
    trust = {"AGENT_ANALYTICS_TRUST_INCOMING_BAGGAGE": "true"}
    with running(code, OURS | asked(api) | trust) as program:
        done = program.told()
        assert told(program.counts()) == expected(api, done, ("acme", "carried"))
    api.calls.clear()
    zeta = {"AGENT_ANALYTICS_PUBLISHER_ID": "zeta", "AGENT_ANALYTICS_AGENT_ID": "seeker"}
    with running(code, OURS | asked(api) | trust | zeta) as program:
        done = program.told()
        assert told(program.counts()) == expected(api, done, ("zeta", "seeker"))


@pytest.mark.slow
@pytest.mark.parametrize("first", ["agent-analytics", "opentelemetry-distro"])
def test_whichever_distro_comes_first(api: Any, tmp_path: Path, first: str) -> None:  # noqa: ANN401 - untyped
    """With opentelemetry-distro beside ours nothing changes in the counts, whichever is loaded."""
    settings = QUIET | asked(api) | {"AGENT_ANALYTICS_PUBLISHER_ID": "acme"}
    with running("finder.py", settings, first=put_first(tmp_path, first)) as program:
        done = program.told()
        assert told(program.counts()) == expected(api, done)
        said = program.finish()
    assert said.count("agent-analytics: metrics on http://") == 1
    assert "already instrumented" not in said
    theirs = "Configuration of agent_analytics not loaded, configurator already loaded" in said
    assert theirs == (first == "opentelemetry-distro")


@pytest.mark.slow
def test_another_configurator_may_be_asked_for(api: Any) -> None:  # noqa: ANN401 - untyped
    """OTEL_PYTHON_CONFIGURATOR with another name keeps us out altogether."""
    settings = QUIET | asked(api) | {"OTEL_PYTHON_CONFIGURATOR": "configurator"}
    with running("asker.py", settings) as program:
        program.told()
        with pytest.raises(OSError, match="refused"):
            program.counts()
        assert "agent-analytics:" not in program.finish()


@pytest.mark.slow
def test_one_line_of_code(api: Any) -> None:  # noqa: ANN401 - untyped
    """configure(instrument=True) before or after the framework's import counts the same."""
    for line in ("", "import pydantic_ai\n"):
        api.calls.clear()
        code = f"""{line}
from agent_analytics.exporters import configure
configure(instrument=True)
exec(open({str(PROGRAMS / "finder.py")!r}).read())
"""
        with running(code, ACME | asked(api), command=PLAIN) as program:
            done = program.told()
            assert told(program.counts()) == expected(api, done)
