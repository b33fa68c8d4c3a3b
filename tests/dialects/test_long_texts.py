"""Rule: what a text costs to read grows with its length; the interpreter waits for a pattern.

A regular expression runs with the interpreter's lock: one that takes a minute for one span of one
publisher stops every thread of the host for a minute, whatever other locks there are.
"""

import importlib
import pkgutil
import re
import time
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import AgentMetricsProcessor, addresses

#: Letters of a text that would take a quadratic pattern seconds.
LONG = 12_000
#: Seconds of a core that none of them takes.
MOST = 0.3
LANGSMITH = {"langsmith.span.kind": "llm"}
GRAPH = {"openinference.span.kind": "AGENT"}

#: Patterns that are only asked of the beginning of a text, or of one that is short: a search from
#: every place of a long text would be quadratic.
BOUNDED = {
    "usage_objects.NO_ANSWER": "names of models",
    "basis._NUMBERS": "match",
    "calls._METHOD": "256 letters",
    "calls._RESULT": "256 letters",
    "reader._UNMARKED": "256 letters",
    "fetched._FETCH": "256 letters",
    "names._RANDOM": "256 letters",
    "graphs._PLUMBING": "match",
    "langsmith._RAISED": "match",
    "langsmith._LAST_LINE": "fullmatch",
    "openinference._ID": "match",
    "hosts._BEDROCK": "match",
    "hosts._VERTEX": "match",
    "addresses._SCHEME": "match",
    "addresses._AT": "match",
}


@pytest.mark.parametrize(
    ("scope", "attributes", "name", "message"),
    [
        # langsmith 0.4: the exception's text, with blanks behind what may be its last line
        ("langsmith", LANGSMITH, "llm", "x\na:" + " " * LONG + "\nb c"),
        ("langsmith", LANGSMITH, "llm", "x" + "\na:  " * (LONG // 5) + "!"),
        ("langsmith", LANGSMITH, "llm", "x" + "\n" * LONG + "!"),
        # langgraph 0.2 to 1.0: metadata that OpenInference (0.1) hands on, and lists without an end
        (
            "openinference.instrumentation.langchain",
            GRAPH | {"metadata": "ls_integration" + '"langgraph_triggers": [' * LONG},
            "agent",
            "",
        ),
        (
            "openinference.instrumentation.langchain",
            GRAPH | {"metadata": "langgraph_node" + '"lc_agent_name": "' * LONG},
            "agent",
            "",
        ),
        # names of methods, agents and models
        ("openinference.instrumentation.dspy", {}, "_" * LONG + "Agent.run", ""),
        ("opentelemetry.instrumentation.openai", {v.OPERATION_NAME: v.CHAT}, "_" * LONG, ""),
        (
            "opentelemetry.instrumentation.bedrock",
            {v.OPERATION_NAME: v.CHAT, v.REQUEST_MODEL: "a." * LONG},
            "chat",
            "",
        ),
    ],
)
def test_long_texts(scope: str, attributes: dict[str, str], name: str, message: str) -> None:
    """A span with texts that patterns would try from every place costs milliseconds."""
    provider = TracerProvider(
        resource=Resource({v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"}), shutdown_on_exit=False
    )
    provider.add_span_processor(AgentMetricsProcessor(0))
    begun = time.thread_time()
    span = provider.get_tracer(scope).start_span(name, attributes=attributes)
    span.add_event("exception", {"exception.message": message, "exception.type": "X"})
    span.end()
    assert time.thread_time() - begun < MOST


@pytest.mark.parametrize("beginning", ["_", "-", ". ", "[(", "0", "a"])
def test_short_names(beginning: str) -> None:
    """Thirty names of 256 letters, for each of which a span may be started, cost as little."""
    provider = TracerProvider(
        resource=Resource({v.PUBLISHER_ID: "acme", v.AGENT_ID: "finder"}), shutdown_on_exit=False
    )
    provider.add_span_processor(AgentMetricsProcessor(0))
    tracer = provider.get_tracer("opentelemetry.instrumentation.openai")
    name = (beginning * 256)[:256]
    begun = time.thread_time()
    for _ in range(30):
        tracer.start_span(name, attributes={v.OPERATION_NAME: v.INVOKE_AGENT}).end()
    assert time.thread_time() - begun < 2 * MOST


def test_a_long_address() -> None:
    """An address that is shown takes milliseconds, whatever it is instead."""
    begun = time.thread_time()
    for text in ("a" * LONG, "%" * LONG, ":" * LONG, "[" * LONG, " " * LONG):
        addresses.shown(text)
    assert time.thread_time() - begun < MOST


@pytest.mark.parametrize(
    ("address", "left"),
    [
        ("https://u:p@h:9/x", "https://…@h:9/x"),
        ("u:p@w%40h:9", "…@h:9"),
        ("u\n@h", "…@h"),
        ("h:9", "h:9"),
    ],
)
def test_addresses_are_shown_from_the_last_at_sign(address: str, left: str) -> None:
    """Nothing that precedes the last at sign is shown."""
    assert addresses.shown(address) == left


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield the patterns that modules on the way of a span have, by module and name."""
    for part in ("instrumentation", "processor"):
        package = importlib.import_module(f"agent_analytics.{part}")
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(found.name)
            for name, value in vars(module).items():
                if isinstance(value, re.Pattern):
                    yield f"{found.name.rpartition('.')[2]}.{name}", value


def test_every_pattern() -> None:
    """A pattern is linear from every place in a text, or is listed with what bounds it."""
    found = dict(patterns())
    assert found.keys() >= BOUNDED.keys()
    slow: list[str] = []
    for name, pattern in found.items():
        words = {*re.findall(r"\w+|[^\w\s]", pattern.pattern.replace("\\", "")), " ", "\n", "_"}
        for word in () if name in BOUNDED else sorted(words):
            text = (word * LONG)[:LONG] + "\0!"
            begun = time.thread_time()
            pattern.search(text)
            pattern.search(f"\na:{text}")
            if time.thread_time() - begun > MOST:
                slow.append(f"{name}: {word!r}")
    assert not slow
