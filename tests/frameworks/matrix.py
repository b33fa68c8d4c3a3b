"""Which frameworks are run live, with which instrumentations, through which scenarios."""

from collections.abc import Mapping

from tests.frameworks.clients import CLIENTS
from tests.frameworks.framework import Framework
from tests.frameworks.further import FURTHER

#: What each scenario is; `ok` is run once more with a listing that the resource names.
SCENARIOS: Mapping[str, str] = {
    "ok": "one run: two tool calls, three model calls",
    "tool_error": "a tool raises",
    "agent_error": "the model's API fails, and so does the run",
    "streaming": "the run's output is streamed",
    "streaming_usage": "streamed, and the framework is told to ask the API for the usage",
    "parallel": "the model calls two tools at once",
    "nested": "a tool of an agent runs another agent",
    "handoff": "an agent hands over to another",
    "many": "100 runs at once in one event loop",
    "cancelled": "the run is cancelled while a tool is at work",
    "mid_error": "the model's API fails after a tool call",
    "async": "the framework's asynchronous call, where `ok` is the synchronous one",
    "async_streaming": "the client's asynchronous call, streamed",
    "auto_tools": "the client itself calls the tools that the model asks for",
    "beta": "the client's interface for what is not settled yet",
    "chat": "the client keeps the conversation",
    "invoke": "the provider's older interface, which passes on what the model's maker says",
    "invoke_streaming": "that interface, streamed",
    "no_call": "tokens are counted beforehand, by a request that asks no model",
    "raw": "the client hands out the HTTP response, which the caller reads",
    "server_tools": "tools of the provider's own are at work, and their tokens are input",
    "stream_helper": "the client's own helper for streams",
    "team": "several agents work as a team",
    "simple": "one run without a tool",
    "agent_as_tool": "the framework's own way of giving an agent as a tool",
    "chain": "a model call without an agent",
    "code": "the model writes code that calls the tools",
    "graph": "agents are nodes of the framework's graph",
    "graph_with_agent": "an agent is a node of a graph that has others",
    "nested_function": "a function of the user's runs another agent",
    "parallel_agents": "two agents run at once",
    "pipeline": "an agent is a component of a pipeline",
    "plain_graph": "a graph without an agent, though a node is called so",
    "prebuilt": "the older ready-made agent",
    "responses": "the responses API",
    "responses_streaming": "the responses API, streamed",
    "sequential": "two agents run one after another",
    "solo": "an agent without a crew",
    "swarm": "agents hand over to each other",
    "tool_error_handled": "a tool raises and the user's code answers for it",
    "tool_error_raised": "a tool raises and so does the run",
    "twice": "one agent object runs twice",
    "workflow": "a function is declared as a workflow, and no agent is",
    "unnamed": "an agent that was given no name",
}
#: Scenarios without an agent: there is no name for a listing.
AGENTLESS = ("chain", "plain_graph")
BASIC = ("ok", "tool_error", "agent_error", "streaming", "parallel")

_OI_SDK = "openinference-instrumentation-openai"
_OTEL_SDK = "opentelemetry-instrumentation-genai-openai"
_TL_SDK = "opentelemetry-instrumentation-openai"
_OI_LITELLM = "openinference-instrumentation-litellm"


FRAMEWORKS: Mapping[str, Framework] = {
    **CLIENTS,
    **FURTHER,
    "agent-framework": Framework(
        "agent-framework-core",
        {
            "native": (),
            "openinference": ("openinference-instrumentation-agent-framework",),
            "oi-sdk": (_OI_SDK,),
            "otel-sdk": (_OTEL_SDK,),
        },
        (*BASIC, "nested", "many", "team", "cancelled"),
        native=True,
    ),
    "agno": Framework(
        "agno",
        {
            "openinference": ("openinference-instrumentation-agno",),
            "openinference+oi-sdk": ("openinference-instrumentation-agno", _OI_SDK),
            "otel-genai": ("opentelemetry-instrumentation-genai-agno",),
            "otel-genai+otel-sdk": ("opentelemetry-instrumentation-genai-agno", _OTEL_SDK),
            "traceloop": ("opentelemetry-instrumentation-agno",),
        },
        (*BASIC, "nested", "async", "team"),
    ),
    "autogen": Framework(
        "autogen-agentchat",
        {
            "native": (),
            "openinference": ("openinference-instrumentation-autogen-agentchat",),
            "openinference+oi-sdk": ("openinference-instrumentation-autogen-agentchat", _OI_SDK),
            "otel-sdk": (_OTEL_SDK,),
        },
        (*BASIC, "nested", "handoff", "team", "cancelled"),
        native=True,
    ),
    "beeai": Framework(
        "beeai-framework",
        {"openinference": ("openinference-instrumentation-beeai",)},
        ("ok", "tool_error", "agent_error"),
        note="Its agents take one tool call at a time.",
    ),
    "crewai": Framework(
        "crewai",
        {
            "openinference": ("openinference-instrumentation-crewai",),
            "openinference+oi-sdk": ("openinference-instrumentation-crewai", _OI_SDK),
            "traceloop": ("opentelemetry-instrumentation-crewai",),
        },
        ("ok", "tool_error", "agent_error", "parallel", "team", "solo"),
    ),
    "dspy": Framework(
        "dspy",
        {
            "openinference": ("openinference-instrumentation-dspy",),
            "openinference+oi-litellm": ("openinference-instrumentation-dspy", _OI_LITELLM),
            "otel-genai": ("opentelemetry-instrumentation-genai-dspy",),
        },
        ("ok", "tool_error", "agent_error"),
    ),
    "google-adk": Framework(
        "google-adk",
        {
            "native": (),
            "oi-litellm": (_OI_LITELLM,),
            "openinference": ("openinference-instrumentation-google-adk",),
        },
        (
            *BASIC,
            "nested",
            "nested_function",
            "handoff",
            "sequential",
            "parallel_agents",
            "mid_error",
            "cancelled",
        ),
        native=True,
        note=("It admits the OpenTelemetry SDK up to 1.44 only."),
    ),
    "haystack": Framework(
        "haystack-ai",
        {
            "native": (),
            "openinference": ("openinference-instrumentation-haystack",),
            "openinference+oi-sdk": ("openinference-instrumentation-haystack", _OI_SDK),
            "traceloop": ("opentelemetry-instrumentation-haystack",),
        },
        ("ok", "tool_error", "agent_error", "parallel", "nested", "pipeline"),
    ),
    "langchain": Framework(
        "langchain",
        {
            "openinference": ("openinference-instrumentation-langchain",),
            "openinference+oi-sdk": ("openinference-instrumentation-langchain", _OI_SDK),
            "openinference+otel-genai": (
                "openinference-instrumentation-langchain",
                "opentelemetry-instrumentation-genai-langchain",
            ),
            "openinference+otel-sdk": ("openinference-instrumentation-langchain", _OTEL_SDK),
            "openinference+traceloop": (
                "openinference-instrumentation-langchain",
                "opentelemetry-instrumentation-langchain",
            ),
            "otel-genai": ("opentelemetry-instrumentation-genai-langchain",),
            "otel-genai+otel-sdk": ("opentelemetry-instrumentation-genai-langchain", _OTEL_SDK),
            "traceloop": ("opentelemetry-instrumentation-langchain",),
            "traceloop+tl-sdk": ("opentelemetry-instrumentation-langchain", _TL_SDK),
        },
        (
            *BASIC,
            "nested",
            "many",
            "async",
            "cancelled",
            "chain",
            "graph_with_agent",
            "mid_error",
            "plain_graph",
            "prebuilt",
            "tool_error_handled",
            "unnamed",
        ),
    ),
    "llama-index": Framework(
        "llama-index-core",
        {
            "openinference": ("openinference-instrumentation-llama-index",),
            "openinference+oi-sdk": ("openinference-instrumentation-llama-index", _OI_SDK),
            "otel-genai": ("opentelemetry-instrumentation-genai-llama-index",),
            "otel-genai+otel-sdk": ("opentelemetry-instrumentation-genai-llama-index", _OTEL_SDK),
            "traceloop": ("opentelemetry-instrumentation-llamaindex",),
        },
        (*BASIC, "nested", "handoff"),
    ),
    "mcp": Framework(
        "mcp",
        {
            "native": (),
            "openinference": ("openinference-instrumentation-mcp",),
            "traceloop": ("opentelemetry-instrumentation-mcp",),
        },
        ("ok", "tool_error"),
        native=True,
        note=(
            "No framework of agents, but the protocol by which tools are called: client and server"
            " in one process, the agent's span around them by hand."
        ),
    ),
    "openai-agents": Framework(
        "openai-agents",
        {
            "openinference": ("openinference-instrumentation-openai-agents",),
            "openinference+oi-sdk": ("openinference-instrumentation-openai-agents", _OI_SDK),
            "openinference+otel-genai": (
                "openinference-instrumentation-openai-agents",
                "opentelemetry-instrumentation-genai-openai-agents",
            ),
            "openinference+otel-sdk": ("openinference-instrumentation-openai-agents", _OTEL_SDK),
            "otel-genai": ("opentelemetry-instrumentation-genai-openai-agents",),
            "otel-genai+otel-sdk": (
                "opentelemetry-instrumentation-genai-openai-agents",
                _OTEL_SDK,
            ),
            "traceloop": ("opentelemetry-instrumentation-openai-agents",),
            "traceloop+tl-sdk": ("opentelemetry-instrumentation-openai-agents", _TL_SDK),
        },
        (
            *BASIC,
            "nested",
            "handoff",
            "many",
            "agent_as_tool",
            "cancelled",
            "mid_error",
            "responses",
            "responses_streaming",
            "streaming_usage",
            "simple",
            "tool_error_raised",
        ),
    ),
    "pydantic-ai": Framework(
        "pydantic-ai-slim",
        {
            "native": (),
            "native-v2": (),
            "oi-sdk": (_OI_SDK,),
            "openinference": ("openinference-instrumentation-pydantic-ai",),
            "otel-sdk": (_OTEL_SDK,),
        },
        (*BASIC, "nested", "many", "cancelled", "mid_error"),
        native=True,
    ),
    "semantic-kernel": Framework(
        "semantic-kernel",
        {"native": (), "oi-sdk": (_OI_SDK,)},
        (*BASIC, "nested"),
        native=True,
        note=(
            "Its spans are switched on by"
            " `SEMANTICKERNEL_EXPERIMENTAL_GENAI_ENABLE_OTEL_DIAGNOSTICS=true`."
        ),
    ),
    "smolagents": Framework(
        "smolagents",
        {
            "openinference": ("openinference-instrumentation-smolagents",),
            "openinference+oi-sdk": ("openinference-instrumentation-smolagents", _OI_SDK),
            "otel-genai": ("opentelemetry-instrumentation-genai-smolagents",),
            "otel-genai+otel-sdk": ("opentelemetry-instrumentation-genai-smolagents", _OTEL_SDK),
        },
        (*BASIC, "nested", "code", "mid_error", "unnamed"),
    ),
    "strands": Framework(
        "strands-agents",
        {
            "native": (),
            "oi-sdk": (_OI_SDK,),
            "openinference": ("openinference-instrumentation-strands-agents",),
            "otel-sdk": (_OTEL_SDK,),
        },
        (*BASIC, "nested", "cancelled", "graph", "mid_error", "swarm", "twice"),
        native=True,
    ),
}

#: Frameworks, or one with an instrumentation, that cannot be run, and why. Each is tried all the
#: same, so that none stays here longer than it must.
CANNOT: Mapping[str, str] = {
    "ag2/openinference": "the instrumentation admits ag2 below 1.0 only",
    "cohere/traceloop": "the instrumentation admits cohere below 6 only",
    "google-genai/otel-genai": "the instrumentation admits google-genai below 3 only",
    "mistral/traceloop": (
        "the instrumentation wants a module that mistralai 3 no longer has (`mistralai.models`)"
    ),
    "haystack/traceloop": (
        "the instrumentation wants a module that haystack 3.4 no longer has"
        " (`haystack.components.generators.openai`)"
    ),
    "mcp/traceloop": (
        "the instrumentation wants a function that mcp 2.3 no longer has"
        " (`mcp.client.streamable_http.streamablehttp_client`)"
    ),
}


def environment_of(name: str) -> str:
    """Return where a framework is installed."""
    return FRAMEWORKS[name].environment or name
