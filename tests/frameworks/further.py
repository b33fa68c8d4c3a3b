"""Frameworks without a page of their own, and older versions that people still run."""

from collections.abc import Mapping

from tests.frameworks.framework import Framework

_OI, _TL = "openinference-instrumentation-", "opentelemetry-instrumentation-"
_GENAI = _TL + "genai-"
_BASIC = ("ok", "tool_error", "agent_error", "streaming", "parallel", "nested")


def _of(
    package: str,
    instrumentations: Mapping[str, tuple[str, ...]],
    *scenarios: str,
    native: bool = False,
    note: str = "",
    driver: str = "",
) -> Framework:
    return Framework(
        package,
        instrumentations,
        scenarios,
        native=native,
        note=note,
        driver=driver,
        guide=False,
    )


FURTHER: Mapping[str, Framework] = {
    "ag2": _of(
        "ag2",
        {
            "native": (),
            "openinference": (_OI + "ag2",),
            "otel-sdk": (_GENAI + "openai",),
        },
        *_BASIC,
        "agent_as_tool",
        native=True,
        note="Its spans come from its `TelemetryMiddleware`.",
    ),
    "agentscope": _of(
        "agentscope",
        {
            "native": (),
            "oi-sdk": (_OI + "openai",),
            "loongsuite": ("loongsuite-instrumentation-agentscope",),
        },
        *_BASIC,
        native=True,
        note="Its own spans come from its `TracingMiddleware`, which `loongsuite` does without.",
    ),
    "claude-agent-sdk": _of(
        "claude-agent-sdk",
        {"openinference": (_OI + "claude-agent-sdk",)},
        "ok",
        "tool_error",
        "agent_error",
        "parallel",
        note=(
            "The program that it starts is a stand-in of the lab's, which speaks its protocol and"
            " asks the look-alike of Anthropic's server."
        ),
    ),
    # --- older versions --------------------------------------------------------------------------
}
