"""GenAI libraries: what people call them, and what each needs so that its calls are recorded."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from agent_analytics.exporters._instrument.switches import key


@dataclass(frozen=True, slots=True)
class Library:
    """A library, its module, its names, and its instrumentation.

    Attributes:
        name: What people call it.
        module: What a program that uses it imports.
        names: Further names of it: distributions, parts of its family.
        package: A distribution that instruments it; empty where it needs none.
        framework: Whether agents are built with it, so that model clients below need no
            instrumentation of their own.
    """

    name: str
    module: str
    names: tuple[str, ...] = ()
    package: str = ""
    framework: bool = False

    @property
    def keys(self) -> frozenset[str]:
        """All its names, as they are compared."""
        return frozenset(key(each) for each in (self.name, *self.names))

    def version(self) -> str:
        """Return the installed version, or nothing."""
        for distribution in (self.name, *self.names):
            try:
                return version(distribution)
            except PackageNotFoundError:
                continue
        return ""


_OPENINFERENCE: Final = "openinference-instrumentation-"
_OPENTELEMETRY: Final = "opentelemetry-instrumentation-"

#: Frameworks that record spans of their own, by themselves or when they are switched on.
NATIVE: Final = (
    Library("agent-framework", "agent_framework", ("agent-framework-core",), framework=True),
    Library("ag2", "autogen", ("pyautogen",), framework=True),
    Library("agentscope", "agentscope", framework=True),
    Library("autogen", "autogen_core", ("autogen-agentchat", "autogen-core"), framework=True),
    Library("google-adk", "google.adk", framework=True),
    Library("mcp", "mcp", ("fastmcp",)),
    Library("pydantic-ai", "pydantic_ai", ("pydantic-ai-slim",), framework=True),
    Library("semantic-kernel", "semantic_kernel", framework=True),
    Library("strands", "strands", ("strands-agents",), framework=True),
)
#: What records nothing by itself.
SILENT: Final = (
    *(
        Library(name, module, names, f"{_OPENINFERENCE}{part}", framework=True)
        for name, module, names, part in (
            ("agno", "agno", (), "agno"),
            ("beeai", "beeai_framework", ("beeai-framework",), "beeai"),
            ("claude-agent-sdk", "claude_agent_sdk", (), "claude-agent-sdk"),
            ("crewai", "crewai", (), "crewai"),
            ("dspy", "dspy", ("dspy-ai",), "dspy"),
            ("haystack", "haystack", ("haystack-ai",), "haystack"),
            ("langchain", "langchain_core", ("langchain-core", "langgraph", "deepagents"),
             "langchain"),
            ("llama-index", "llama_index.core", ("llama-index-core",), "llama-index"),
            ("openai-agents", "agents", (), "openai-agents"),
            ("smolagents", "smolagents", (), "smolagents"),
        )
    ),
    *(
        Library(name, module, names, f"{_OPENINFERENCE}{part}")
        for name, module, names, part in (
            ("anthropic", "anthropic", ("claude",), "anthropic"),
            ("bedrock", "botocore", ("boto3", "botocore"), "bedrock"),
            ("google-genai", "google.genai", ("gemini",), "google-genai"),
            ("groq", "groq", (), "groq"),
            ("litellm", "litellm", (), "litellm"),
            ("mistralai", "mistralai", ("mistral",), "mistralai"),
            ("openai", "openai", ("azure-openai",), "openai"),
        )
    ),
    *(
        Library(name, name, (), f"{_OPENTELEMETRY}{name}")
        for name in ("cohere", "ollama", "replicate", "together")
    ),
)  # fmt: skip
#: Everybody has these for other ends than models.
_COMMON: Final = frozenset({"bedrock", "mcp"})


def family(keys: Iterable[str]) -> frozenset[str]:
    """Return names with all the names of the libraries that they are names of."""
    known = frozenset(keys)
    return known.union(*(each.keys for each in (*NATIVE, *SILENT) if each.keys & known))


def called(name: str) -> Library | None:
    """Return the library of a name, if it is known."""
    wanted = key(name)
    return next((each for each in (*NATIVE, *SILENT) if wanted in each.keys), None)


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the one of some names that a name was perhaps meant to be, or nothing."""
    by_key = {key(each): each for each in sorted(names, reverse=True)}
    found = difflib.get_close_matches(key(name), by_key, n=1)
    return by_key[found[0]] if found else ""


@cache
def installed() -> tuple[Library, ...]:
    """Return the libraries that are installed."""
    return tuple(each for each in (*NATIVE, *SILENT) if each.version())


def missing(on: frozenset[str], used: Iterable[Library]) -> list[Library]:
    """Return which libraries need an instrumentation and have none.

    Args:
        on: Names of what has an instrumentation, as they are compared.
        used: The libraries in question.
    """
    libraries = [each for each in used if each.name not in _COMMON]
    wanting = [each for each in libraries if each.package and not each.keys & on]
    # A framework that is recorded records its model calls itself.
    if any(each.framework and each not in wanting for each in libraries):
        wanting = [each for each in wanting if each.framework]
    return wanting
