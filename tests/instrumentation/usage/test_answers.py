"""Usage in what frameworks return round the answers of models, and what answers state of cost."""

from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace as Thing
from typing import Any

import pytest
from tests.instrumentation.shapes import usage

from agent_analytics.instrumentation import agent
from agent_analytics.instrumentation import vocabulary as names

Finished = Callable[[], list[Any]]
Said = Callable[[], dict[str, object]]


@agent
def answer(result: object) -> object:
    """Return what it is given."""
    return result


@agent
def stream(*chunks: object) -> Iterator[object]:
    """Yield what it is given."""
    yield from chunks


def spoken(sent: int, received: int, given: str | None = None) -> Thing:
    """Return a message of a model as LangChain keeps it."""
    return Thing(
        type="ai",
        id=given,
        usage_metadata={
            "input_tokens": sent,
            "output_tokens": received,
            "total_tokens": sent + received,
            "input_token_details": {"cache_read": 4},
        },
        response_metadata={"model_name": "m"},
    )


def asked() -> Thing:
    """Return a message of a person as LangChain keeps it."""
    return Thing(type="human", content="?", id="h")


COMPLETION = {
    "id": "chatcmpl-1",
    "model": "m",
    "usage": {"prompt_tokens": 30, "completion_tokens": 9, "total_tokens": 39},
}
SPENT = {"input": 30, "output": 9, "model": "m"}


class _Parsed:
    """A parsed object, as instructor 1.17 returns it, with the answer in a private attribute."""

    def __init__(self) -> None:
        self.name = "x"
        self._raw_response = Thing(**COMPLETION)


class _Prediction:
    """A prediction of dspy 3.4 that tracks usage."""

    def __init__(self, usage: dict[str, object]) -> None:
        self._store: dict[str, object] = {}
        self._lm_usage = usage


def autogen(*uses: tuple[int, int] | None, **more: object) -> list[Thing]:
    """Return messages as autogen-agentchat 0.4 to 0.7 keeps them; the first is the user's."""
    told = [
        None if use is None else Thing(prompt_tokens=use[0], completion_tokens=use[1])
        for use in uses
    ]
    return [
        Thing(source="user", models_usage=None, **more),
        *(Thing(source="helper", models_usage=use, **more) for use in told),
    ]


RESULTS: dict[str, tuple[object, Mapping[str, object]]] = {
    # langgraph 0.2 to 1.x: the state of a graph, with the turns of a conversation before this one
    "state": (
        {
            "messages": [
                asked(),
                spoken(900, 90),
                asked(),
                spoken(10, 4),
                Thing(type="tool"),
                spoken(20, 5),
            ]
        },
        {"input": 30, "output": 9, "cached": 8, "model": "m"},
    ),
    "batch of langchain": ([spoken(10, 4), spoken(20, 5)], {**SPENT, "cached": 8}),
    # langchain-core: LLMResult
    "generations": (
        Thing(generations=[[Thing(text="a", message=spoken(30, 9))]], llm_output={}),
        {**SPENT, "cached": 4},
    ),
    # instructor's create_with_completion, and a pair of one's own
    "pair": ((Thing(name="x"), COMPLETION), SPENT),
    "parsed": (_Parsed(), SPENT),
    "task of autogen": (
        Thing(messages=autogen((10, 4), None, (20, 5)), stop_reason="done"),
        {"input": 30, "output": 9},
    ),
    "response of autogen": (
        Thing(inner_messages=autogen((10, 4))[1:], chat_message=autogen((20, 5))[1]),
        {"input": 30, "output": 9},
    ),
    "lists of openai-agents": (
        Thing(
            raw_responses=[Thing(usage={"input_tokens": 30, "output_tokens": 9}, response_id="r")]
        ),
        {"input": 30, "output": 9},
    ),
    "dspy": (
        _Prediction({"m": {"prompt_tokens": 30, "completion_tokens": 9, "total_tokens": 39}}),
        SPENT,
    ),
    # claude-agent-sdk 0.2: what was fresh, by the names of models
    "claude agent": (
        Thing(
            num_turns=2,
            usage={"input_tokens": 1, "output_tokens": 1},
            model_usage={
                "m": {
                    "inputTokens": 10,
                    "outputTokens": 9,
                    "cacheReadInputTokens": 15,
                    "cacheCreationInputTokens": 5,
                }
            },
        ),
        {**SPENT, "cached": 15, "written": 5},
    ),
    # crewai 1.15: the output of an agent without a crew
    "lite agent": (
        Thing(
            raw="x",
            usage_metrics={
                "prompt_tokens": 30,
                "completion_tokens": 9,
                "cached_prompt_tokens": 3,
                "successful_requests": 2,
            },
        ),
        {"input": 30, "output": 9, "cached": 3},
    ),
    # haystack-ai 2.9 to 3.4, and 2.8
    "replies": ({"replies": [Thing(_role="assistant", _meta=COMPLETION)]}, SPENT),
    "older replies": ({"replies": [Thing(role="assistant", meta=COMPLETION)]}, SPENT),
    # semantic-kernel 1.45: the model is named round the usage
    "function of semantic-kernel": (
        Thing(
            value=[
                Thing(
                    ai_model_id="m",
                    metadata={"usage": Thing(prompt_tokens=30, completion_tokens=9)},
                )
            ]
        ),
        SPENT,
    ),
    # a line of OpenAI's batches
    "batch": ({"custom_id": "a", "response": {"status_code": 200, "body": COMPLETION}}, SPENT),
    # Bedrock's InvokeModel: Llama, and what ends its streams
    "llama": (
        {"generation": "x", "prompt_token_count": 30, "generation_token_count": 9},
        {"input": 30, "output": 9},
    ),
    "metrics of bedrock": (
        {
            "amazon-bedrock-invocationMetrics": {
                "inputTokenCount": 10,
                "outputTokenCount": 9,
                "cacheReadInputTokenCount": 20,
            }
        },
        {"input": 30, "output": 9, "cached": 20},
    ),
    # xai-sdk 1.21
    "xai": (
        {
            "usage": {
                "prompt_tokens": 30,
                "completion_tokens": 5,
                "reasoning_tokens": 4,
                "total_tokens": 39,
                "cached_prompt_text_tokens": 2,
            }
        },
        {"input": 30, "output": 9, "cached": 2, "reasoning": 4},
    ),
}


@pytest.mark.parametrize("shape", RESULTS)
def test_what_is_round_the_answers(shape: str, said: Said) -> None:
    """Every answer of the run counts once, whatever keeps it, and none of the turns before."""
    value, right = RESULTS[shape]
    assert answer(value) is value
    assert usage(said()) == right


NO_ANSWERS: dict[str, object] = {
    "openai": {
        "data": [{"embedding": [0.1]}],
        "model": "text-embedding-3-small",
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    },
    "any model": {
        "data": [Thing(embedding=[0.1])],
        "model": "bge-m3",
        "usage": {"prompt_tokens": 8},
    },
    "cohere": {"embeddings": {"float": [[0.1]]}, "meta": {"billed_units": {"input_tokens": 8}}},
    "rerank": {"results": [{"index": 0, "relevance_score": 0.4}], "usage": {"prompt_tokens": 8}},
    "moderation": {"results": [{"flagged": False}], "model": "m", "usage": {"prompt_tokens": 8}},
    "nothing": [{"title": "x"}] * 3,
    "a state before any answer": {"messages": [spoken(900, 90), asked()]},
}


@pytest.mark.parametrize("shape", NO_ANSWERS)
def test_what_is_no_answer(shape: str, said: Said) -> None:
    """Vectors and verdicts are paid for as no answer of a model, as a span of them is not."""
    answer(NO_ANSWERS[shape])
    assert usage(said()) == {}


def test_a_graph_that_waits_tells_when_it_goes_on(said: Said) -> None:
    """What a graph did before it asked a person is in its state again: it counts once."""
    before = [asked(), spoken(10, 4)]
    answer({"messages": before, "__interrupt__": ["sure?"]})
    assert usage(said()) == {}
    answer({"messages": [*before, Thing(type="tool"), spoken(20, 5)]})
    assert usage(said()) == {**SPENT, "cached": 8}


# --- streams -------------------------------------------------------------------------------------

STREAMS: dict[str, tuple[object, ...]] = {
    # langgraph's stream modes
    "updates": (
        {"model": {"messages": [spoken(10, 4, "run-1")]}},
        {"tools": {"messages": [Thing(type="tool")]}},
        {"model": {"messages": [spoken(20, 5, "run-2")]}},
    ),
    "values": (
        {"messages": [spoken(900, 90, "run-0"), asked()]},
        {"messages": [spoken(900, 90, "run-0"), asked(), spoken(10, 4, "run-1")]},
        {
            "messages": [
                spoken(900, 90, "run-0"),
                asked(),
                spoken(10, 4, "run-1"),
                spoken(20, 5, "run-2"),
            ]
        },
    ),
    "two modes": (
        ("updates", {"model": {"messages": [spoken(10, 4, "run-1")]}}),
        ("values", {"messages": [asked(), spoken(10, 4, "run-1")]}),
        ("values", {"messages": [asked(), spoken(10, 4, "run-1"), spoken(20, 5, "run-2")]}),
    ),
}


@pytest.mark.parametrize("mode", STREAMS)
def test_streams_of_states(mode: str, said: Said) -> None:
    """A message counts once, however many states of a stream hold it."""
    list(stream(*STREAMS[mode]))
    assert usage(said()) == {**SPENT, "cached": 8}


@pytest.mark.parametrize("given", [{}, {"id": "1"}])
def test_a_stream_of_autogen(given: dict[str, str], said: Said) -> None:
    """Its last chunk holds every message once more, with ids since 0.5 and without before."""
    messages = autogen((10, 4), None, (20, 5))
    for number, message in enumerate(messages):
        if given:
            message.id = f"{number}"
    list(stream(*messages, Thing(messages=messages, stop_reason="done")))
    assert usage(said()) == {"input": 30, "output": 9}


def adk(given: str, sent: int, received: int, *, partial: bool | None = None) -> Thing:
    """Return an event of google-adk."""
    used = Thing(
        prompt_token_count=sent,
        candidates_token_count=received,
        total_token_count=sent + received,
    )
    return Thing(id=given, author="x", partial=partial, usage_metadata=used, model_version="m")


ADK: dict[str, tuple[Thing, ...]] = {
    # google-adk 1.0 to 1.20: each event has an id of its own
    "an id for each": (
        adk("a", 10, 1, partial=True),
        adk("b", 10, 3, partial=True),
        adk("c", 10, 4),
        adk("d", 20, 2, partial=True),
        adk("e", 20, 5),
    ),
    # the text, and the function call after it, as two events of one answer
    "one answer, two events": (
        adk("a", 10, 1, partial=True),
        adk("b", 10, 4),
        adk("c", 10, 4),
        adk("d", 20, 5),
    ),
    # google-adk 2.13: those of one answer share theirs
    "an id for all": (adk("a", 10, 3, partial=True), adk("a", 10, 4), adk("b", 20, 5)),
    "not streamed": (adk("a", 10, 4), adk("b", 20, 5)),
    "never whole": (adk("a", 10, 4), adk("b", 20, 2, partial=True), adk("c", 20, 5, partial=True)),
}


@pytest.mark.parametrize("case", ADK)
def test_events_of_adk(case: str, said: Said) -> None:
    """The pieces of a streamed answer are running totals of the whole, whatever their ids."""
    list(stream(*ADK[case]))
    assert usage(said()) == SPENT
    if case in ("an id for each", "not streamed"):
        answer(list(ADK[case]))
        assert usage(said()) == SPENT


@pytest.mark.parametrize("cached", [{}, {"cacheReadInputTokenCount": 6}])
def test_claude_at_bedrock(cached: dict[str, int], said: Said) -> None:
    """The numbers that Bedrock puts at the end of a stream are those of the answer before it."""
    begun = {"input_tokens": 24, "cache_read_input_tokens": 6, "output_tokens": 1}
    metrics = {"inputTokenCount": 24, "outputTokenCount": 9, **cached}
    list(
        stream(
            {"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": begun}},
            {"type": "message_delta", "usage": {"output_tokens": 9}},
            {"type": "message_stop", "amazon-bedrock-invocationMetrics": metrics},
        )
    )
    assert usage(said()) == {**SPENT, "cached": 6}


def converse(sent: int, received: int) -> dict[str, int]:
    """Return usage in Bedrock's words."""
    return {"inputTokens": sent, "outputTokens": received, "totalTokens": sent + received}


def strands(sent: int, received: int) -> list[dict[str, Any]]:
    """Return what strands-agents 1.62 yields of one answer."""
    used = converse(sent, received)
    return [
        {"event": {"messageStart": {"role": "assistant"}}},
        {"event": {"metadata": {"usage": used, "metrics": {}}}},
        {"message": {"role": "assistant", "content": [], "metadata": {"usage": used}}},
        {"message": {"role": "user", "content": [{"toolResult": {"toolUseId": "1"}}]}},
    ]


@pytest.mark.parametrize("messages_alone", [False, True])
def test_a_stream_of_strands(said: Said, *, messages_alone: bool) -> None:
    """A message that keeps its usage repeats what the end of its stream has told."""
    chunks = [*strands(10, 4), *strands(20, 5)]
    if messages_alone:
        chunks = [chunk for chunk in chunks if "message" in chunk]
    last = Thing(metrics=Thing(accumulated_usage=converse(30, 9)), message={})
    list(stream(*chunks, {"result": last}))
    assert usage(said()) == {"input": 30, "output": 9}


def test_messages_in_which_tools_answer_as_the_person(said: Said) -> None:
    """Results of tools are no turn of the person, though they are told in the person's name."""
    before: Any = {"role": "assistant", "content": [], "metadata": {"usage": converse(900, 90)}}
    asks = {"role": "user", "content": [{"text": "?"}]}
    messages = [
        chunk["message"] for chunk in (*strands(10, 4), *strands(20, 5)) if "message" in chunk
    ]
    answer({"messages": [before, asks, *messages]})
    assert usage(said()) == {"input": 30, "output": 9}


def test_messages_of_pydantic_ai(said: Said) -> None:
    """Of all messages of a conversation those after its last prompt are of this run."""

    def response(sent: int, received: int) -> Thing:
        used = Thing(input_tokens=sent, output_tokens=received)
        return Thing(kind="response", usage=used, model_name="m", parts=[])

    prompt = Thing(kind="request", parts=[Thing(part_kind="user-prompt", content="?")])
    returned = Thing(kind="request", parts=[Thing(part_kind="tool-return")])
    answer([prompt, response(900, 90), prompt, response(10, 4), returned, response(20, 5)])
    assert usage(said()) == SPENT


@pytest.mark.parametrize("key", ["usage_details", "details"])
def test_updates_of_agent_framework(key: str, said: Said) -> None:
    """Usage stands among the contents of an update, and adds to what is known of its answer."""

    def update(sent: int, received: int, given: str) -> Thing:
        used = {"input_token_count": sent, "output_token_count": received}
        content = Thing(type="usage", **{key: used})
        return Thing(contents=[Thing(type="text", text="x"), content], response_id=given)

    list(stream(update(10, 0, "1"), update(0, 4, "1"), update(20, 5, "2")))
    assert usage(said()) == {"input": 30, "output": 9}


def test_models_of_a_run_of_agno(finished: Finished) -> None:
    """Agno 3.1 keeps what each model used by what the models do in the run."""

    def used(model: str, sent: int, received: int) -> Thing:
        return Thing(id=model, provider="OpenAI", input_tokens=sent, output_tokens=received)

    details = {"model": [used("big", 30, 9)], "memory_model": [used("small", 7, 2)]}
    answer(Thing(content="x", metrics=Thing(input_tokens=37, output_tokens=11, details=details)))
    told = [usage(one.attributes) for one in finished()]
    assert {one["model"]: (one["input"], one["output"]) for one in told} == {
        "big": (30, 9),
        "small": (7, 2),
    }


# --- cost ----------------------------------------------------------------------------------------

COSTS: dict[str, tuple[dict[str, object], str]] = {
    "openrouter": (
        {"usage": {"prompt_tokens": 30, "completion_tokens": 9, "cost": 0.0125}},
        "0.0125",
    ),
    "openrouter with a key of one's own": (
        {
            "usage": {
                "prompt_tokens": 30,
                "completion_tokens": 9,
                "cost": 0.005,
                "is_byok": True,
                "cost_details": {"upstream_inference_cost": 0.1},
            }
        },
        "0.105",
    ),
    "perplexity": (
        {"usage": {"prompt_tokens": 30, "completion_tokens": 9, "cost": {"total_cost": 0.006}}},
        "0.006",
    ),
    "deepinfra": (
        {"usage": {"prompt_tokens": 30, "completion_tokens": 9, "estimated_cost": 3e-6}},
        "0.000003",
    ),
    "litellm": (
        {
            "usage": {"prompt_tokens": 30, "completion_tokens": 9},
            "_hidden_params": {"response_cost": 0.25},
        },
        "0.25",
    ),
    "claude agent": (
        {"usage": {"input_tokens": 30, "output_tokens": 9}, "num_turns": 2, "total_cost_usd": 0.7},
        "0.7",
    ),
    "claude agent by model": (
        {
            "num_turns": 2,
            "total_cost_usd": 0.7,
            "model_usage": {"m": {"inputTokens": 30, "outputTokens": 9, "costUSD": 0.7}},
        },
        "0.7",
    ),
    "xai": (
        {"usage": {"prompt_tokens": 30, "completion_tokens": 9, "cost_in_usd_ticks": 37_500_000}},
        "0.00375",
    ),
}


def _thing(fields: dict[str, object]) -> Thing:
    return Thing(**fields)


@pytest.mark.parametrize("form", [dict[str, object], _thing])
@pytest.mark.parametrize("who", COSTS)
def test_what_an_answer_states_of_its_cost(
    who: str, form: Callable[[dict[str, object]], object], said: Said
) -> None:
    """It is told as stated, apart from what the user says that it cost."""
    value, right = COSTS[who]
    answer(form(value))
    told = said()
    assert told[names.STATED_COST_USD] == right
    assert names.COST_USD not in told


@pytest.mark.parametrize(
    "cost", [0, -1, float("nan"), "dear", True, {"total_cost": None}, {"amount": 3}]
)
def test_what_is_no_cost(cost: object, said: Said) -> None:
    """A 0 is unknown, and what is no amount of dollars is none."""
    answer({"usage": {"prompt_tokens": 30, "completion_tokens": 9, "cost": cost}})
    assert names.STATED_COST_USD not in said()
    answer({"usage": {"prompt_tokens": 30, "completion_tokens": 9, "cost": 1, "currency": "EUR"}})
    assert names.STATED_COST_USD not in said()


def test_the_cost_of_a_run_that_is_streamed(finished: Finished) -> None:
    """What sums up a run says more than its calls where it names models and what each cost."""
    called = Thing(model="big", message_id="msg_1", usage={"input_tokens": 30, "output_tokens": 9})
    whole = {
        "big-1": {"inputTokens": 30, "outputTokens": 9, "costUSD": 0.5},
        "small-1": {"inputTokens": 7, "outputTokens": 2, "costUSD": 0.1},
    }
    list(stream(called, Thing(num_turns=1, total_cost_usd=0.6, model_usage=whole)))
    told = [(usage(one.attributes), one.attributes[names.STATED_COST_USD]) for one in finished()]
    assert told == [
        ({"input": 7, "output": 2, "model": "small-1"}, "0.1"),
        ({"input": 30, "output": 9, "model": "big-1"}, "0.5"),
    ]
