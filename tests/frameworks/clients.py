"""Clients of models, which are run live like frameworks: they have neither agents nor tools."""

from collections.abc import Mapping

from tests.frameworks.framework import Framework

_BASIC = ("ok", "async", "agent_error", "parallel", "streaming", "async_streaming")
_GOOGLE = (*_BASIC, "no_call", "auto_tools", "chat", "server_tools")
_OI, _TL = "openinference-instrumentation-", "opentelemetry-instrumentation-"


def _client(
    package: str,
    instrumentations: Mapping[str, tuple[str, ...]],
    *scenarios: str,
    native: bool = False,
    note: str = "",
    environment: str = "clients",
    driver: str = "",
) -> Framework:
    return Framework(
        package,
        instrumentations,
        scenarios or _BASIC,
        native=native,
        note=note,
        environment=environment,
        driver=driver,
        client=True,
        guide=False,
    )


def _both(name: str, traceloop: str = "") -> dict[str, tuple[str, ...]]:
    """Return OpenInference's instrumentation, OpenLLMetry's, and the two at once."""
    oi, tl = _OI + name, _TL + (traceloop or name)
    return {"openinference": (oi,), "traceloop": (tl,), "openinference+traceloop": (oi, tl)}


CLIENTS: Mapping[str, Framework] = {
    "anthropic": _client(
        "anthropic",
        {
            "native": (),
            **_both("anthropic"),
            "otel-genai": (_TL + "genai-anthropic",),
        },
        *_BASIC,
        "stream_helper",
        "beta",
        "raw",
        "no_call",
        native=True,
    ),
    "boto3": _client(
        "boto3",
        {
            "botocore": (_TL + "botocore",),
            "botocore+openinference": (_TL + "botocore", _OI + "bedrock"),
            "openinference": (_OI + "bedrock",),
            "otel-genai": (_TL + "genai-bedrock",),
            "traceloop": (_TL + "bedrock",),
        },
        "ok",
        "agent_error",
        "parallel",
        "streaming",
        "invoke",
        "invoke_streaming",
        driver="bedrock",
        note="`ok` and `streaming` are Converse; the model is Anthropic's.",
    ),
    "cohere": _client(
        "cohere", {"openinference": (_OI + "cohere",), "traceloop": (_TL + "cohere",)}
    ),
    "cohere-5": _client(
        "cohere", {"traceloop": (_TL + "cohere",)}, environment="clients-old", driver="cohere"
    ),
    "google-genai": _client(
        "google-genai",
        {
            "openinference": (_OI + "google-genai",),
            "otel-genai": (_TL + "google-genai",),
            "traceloop": (_TL + "google-generativeai",),
        },
        *_GOOGLE,
    ),
    "google-genai-2": _client(
        "google-genai",
        {
            "otel-genai": (_TL + "google-genai",),
            "openinference+otel-genai": (_OI + "google-genai", _TL + "google-genai"),
        },
        *_GOOGLE,
        environment="clients-old",
        driver="google-genai",
    ),
    "groq": _client("groq", _both("groq")),
    "litellm": _client(
        "litellm",
        {
            "openinference": (_OI + "litellm",),
        },
        environment="litellm",
        note=(
            "LiteLLM's own callback (`otel`) is not among the runs: a streamed call of its"
            " synchronous functions is in a trace of its own, which counts beside OpenInference's"
            " inside `@agent`."
        ),
    ),
    "mistral": _client(
        "mistralai", {"openinference": (_OI + "mistralai",), "traceloop": (_TL + "mistralai",)}
    ),
    "mistral-1": _client(
        "mistralai",
        {"traceloop": (_TL + "mistralai",)},
        environment="clients-old",
        driver="mistral",
    ),
    "ollama": _client("ollama", _both("ollama")),
    "openai": _client(
        "openai",
        {
            "openlit": ("openlit",),
        },
        *_BASIC,
        "responses",
        environment="openlit",
    ),
}
