"""What a library writes on a decorated call's span beside the conventions' own figures is read.

LiteLLM's ``otel`` callback writes its whole usage object as text, as Python prints it, since 1.60
(1.79.3 and 1.110.2 were run): cached and reasoning tokens are nowhere else.
"""

from collections.abc import Iterator

import pytest
from opentelemetry import trace
from tests.processor.rig import Rig

from agent_analytics.instrumentation import agent, tracing

USAGE = {
    "completion_tokens": 20,
    "prompt_tokens": 10,
    "total_tokens": 30,
    "completion_tokens_details": {"reasoning_tokens": 6, "audio_tokens": 0},
    "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": None},
}


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Return a processor that the decorators' spans come to."""
    found = Rig()
    tracing.use_provider(found.provider)
    yield found
    tracing.use_provider(None)


def write(number: int, usage: object) -> None:
    """Write one call onto the current span, in LiteLLM's order: the usage object comes first."""
    written: dict[str, str | int] = {
        "metadata.user_api_key_hash": "",
        "metadata.usage_object": str(usage),
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.id": f"chatcmpl-{number}",
        "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.operation.name": "chat",
    }
    for key, value in written.items():
        trace.get_current_span().set_attribute(key, value)


@pytest.mark.parametrize("calls", [1, 3])
def test_cached_and_reasoning_tokens_that_are_written_as_text(rig: Rig, calls: int) -> None:
    """Each call has its own, and the text that begins the next call begins no other."""

    @agent(publisher_id="acme", agent_id="finder")
    def find() -> None:
        for number in range(calls):
            write(number, USAGE)

    find()
    assert rig.value("inference_calls_total", model="gpt-4o", outcome="success") == calls
    assert rig.value("input_tokens_total", model="gpt-4o") == 10 * calls
    assert rig.value("output_tokens_total", model="gpt-4o") == 20 * calls
    assert rig.value("cached_input_tokens_total", model="gpt-4o") == 4 * calls
    assert rig.value("reasoning_tokens_total", model="gpt-4o") == 6 * calls


@pytest.mark.parametrize("usage", ["", "{", "[]", {"note": "it's"}, {"prompt_tokens": "x"}])
def test_a_text_that_is_no_usage_leaves_the_figures(rig: Rig, usage: object) -> None:
    """What cannot be read is passed over; the call is counted by its attributes."""

    @agent(publisher_id="acme", agent_id="finder")
    def find() -> None:
        write(1, usage)

    find()
    assert rig.value("inference_calls_total", model="gpt-4o", outcome="success") == 1
    assert rig.value("input_tokens_total", model="gpt-4o") == 10
