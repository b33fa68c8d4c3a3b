"""A user's own mistake is said once for each agent, and is no error of agent-analytics."""

import functools
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from tests.patience import patience

from agent_analytics.instrumentation import agent, mistakes, record_install, tenant, tool, tracing
from agent_analytics.processor import AgentMetricsProcessor

HERE = __file__
Said = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Begin and end as a new process."""
    mistakes.forget()
    yield
    mistakes.forget()


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Said:
    """Return what returns the warnings of agent-analytics so far."""

    def lines() -> list[str]:
        return [each.getMessage() for each in caplog.records if each.name == "agent_analytics"]

    return lines


@pytest.fixture
def _counted() -> Iterator[None]:
    """Count the spans of the test in a processor."""
    provider = TracerProvider(shutdown_on_exit=False)
    processor = AgentMetricsProcessor(hold_seconds=0)
    provider.add_span_processor(processor)
    tracing.use_provider(provider)
    yield
    tracing.use_provider(None)
    processor.shutdown()


def line_of(marker: str) -> int:
    """Return the number of the line of this file that ends with a comment."""
    with open(HERE, encoding="utf-8") as file:  # noqa: PTH123 - as short as it is
        return next(n for n, text in enumerate(file, 1) if text.endswith(f"# {marker}\n"))


class Asks:
    """Is called, and fails."""

    def __call__(self) -> str:
        """Fail."""
        raise LookupError


class Odd(Asks):
    """Has whatever it is asked for."""

    def __getattr__(self, name: str) -> object:
        """Return anything."""
        return self


class TestTenantFunction:
    """What is given as tenant= and fails is the user's, with agent and line."""

    @pytest.mark.usefixtures("finished")
    def test_it_raises(self, said: Said) -> None:
        """The agent, the line and the exception's type are named, its text is not, and once."""

        def who(user: dict[str, str]) -> str:
            return user["secret name"]  # it raises here

        @agent(publisher_id="acme", agent_id="finder", tenant=who)
        def find(user: dict[str, str]) -> int:
            return len(user)

        @agent(publisher_id="acme", agent_id="another", tenant=who)
        def other(user: dict[str, str]) -> int:
            return len(user)

        assert [find({}), find({}), other({})] == [0, 0, 0]
        place = f"{HERE}:{line_of('it raises here')}"
        assert said() == [
            f"agent-analytics: the function tenant= of agent {name!r} raised KeyError at {place}, "
            "so it is not known whose the call is"
            for name in ("finder", "another")
        ]
        assert mistakes.said() == [each.removeprefix("agent-analytics: ") for each in said()]

    @pytest.mark.usefixtures("finished")
    def test_it_is_called_with_other_arguments(self, said: Said) -> None:
        """A function that does not take the arguments of the call is named by its own line."""

        def who(user: str) -> str:  # it takes one
            return user

        @agent(publisher_id="acme", agent_id="finder", tenant=who)
        def find(question: str, user: str) -> str:
            return question + user

        assert find("a", "b") == "ab"
        (line,) = said()
        assert f"raised TypeError at {HERE}:{line_of('it takes one')}" in line
        assert line.endswith("it is called with the arguments of the call")

    @pytest.mark.parametrize(
        ("answer", "what"),
        [
            (7, "a value of type int"),
            (b"t", "a value of type bytes"),
            ("  ", "blanks"),
            ("x" * 201, "a text of 201 characters that is no id"),
            ("\ud800", "a text of 1 characters that is no id"),
        ],
    )
    @pytest.mark.usefixtures("finished")
    def test_it_returns_no_id(self, answer: Any, what: str, said: Said) -> None:  # noqa: ANN401 - of any type, as the test says
        """What is returned is named by its kind, never by its value."""

        def who() -> str:  # it answers
            found: str = answer
            return found

        @agent(publisher_id="acme", agent_id="finder", tenant=who)
        def find() -> int:
            return 1

        assert [find(), find()] == [1, 1]
        assert said() == [
            (
                f"agent-analytics: the function tenant= of agent 'finder', "
                f"{HERE}:{line_of('it answers')}, is to return an id or None and returned {what}"
            )
        ]

    @pytest.mark.usefixtures("finished")
    @pytest.mark.parametrize(
        "function",
        [
            str.strip,
            functools.partial(int, base=40),
            Asks(),
            Odd(),
        ],
        ids=["in-c", "partial", "object", "hostile"],
    )
    def test_any_callable(self, function: Any, said: Said) -> None:  # noqa: ANN401 - of any type, as the test says
        """Whatever is called is named as far as it can be, and the agent goes on."""

        @agent(publisher_id="acme", agent_id="finder", tenant=function)
        def find() -> int:
            return 1

        assert find() == 1
        (line,) = said()
        assert "tenant= of agent 'finder'" in line


@pytest.mark.usefixtures("finished")
def test_a_predicate_that_raises(said: Said) -> None:
    """The function failed= of a tool is the user's as well."""

    def failed(result: object) -> bool:
        raise ValueError(result)  # it refuses

    @tool(name="search", failed=failed)
    def search() -> str:
        return "confidential"

    assert [search(), search()] == ["confidential"] * 2
    assert said() == [
        (
            f"agent-analytics: the function failed= of tool 'search' raised ValueError at "
            f"{HERE}:{line_of('it refuses')}, so the call counts as a success"
        )
    ]


@pytest.mark.usefixtures("_counted")
class TestWhose:
    """Whom an invocation belongs to, and who uses it."""

    def test_no_publisher(self, said: Said) -> None:
        """An agent without a publisher is named once, beside others that have none."""

        @agent(name="finder")
        def find() -> None:
            """Find nothing."""

        @agent(agent_id="writer")
        def write() -> None:
            """Write nothing."""

        for call in (find, write, find, write):
            call()
        assert [line.partition(" names ")[0] for line in said()] == [
            "agent-analytics: agent 'finder'",
            "agent-analytics: agent 'write'",
        ]
        assert all("publisher_id=" in line for line in said())
        assert all("AGENT_ANALYTICS_PUBLISHER_ID" in line for line in said())

    def test_a_frameworks_agent_without_publisher(self, said: Said) -> None:
        """The instrumentation that recorded it is named, too, as there is no decorator."""
        tracer = tracing.source().provider.get_tracer("some.framework")
        for _ in range(3):
            tracer.start_span(
                "invoke_agent helper",
                attributes={
                    "gen_ai.operation.name": "invoke_agent",
                    "gen_ai.agent.name": "helper",
                },
            ).end()
        (line,) = said()
        assert "agent 'helper', which some.framework records, names no publisher" in line

    def test_no_tenant(self, said: Said) -> None:
        """An agent that is called for nobody is named once, and how to name a tenant."""

        @agent(publisher_id="acme", agent_id="finder")
        def find() -> None:
            """Find nothing."""

        find()
        find()
        (line,) = said()
        assert "agent 'finder' of publisher 'acme' was called for no tenant" in line
        assert "tenant=" in line
        assert 'with tenant("…")' in line

    def test_nothing_is_said_where_all_is_well(self, said: Said) -> None:
        """Publisher and tenant may come from the context, and installs have no call."""

        @agent(publisher_id="acme", agent_id="inner")
        def inner() -> None:
            """Do nothing."""

        @agent(publisher_id="acme", agent_id="finder", tenant=lambda: "t-1")
        def find() -> None:
            inner()

        find()
        with tenant("t-2"):
            inner()
        record_install(publisher_id="acme", agent_id="third")
        assert said() == []

    def test_no_more_than_twenty_are_named(self, said: Said) -> None:
        """A service of a thousand agents does not fill its log."""
        for number in range(50):

            @agent(publisher_id="acme", agent_id=f"a-{number}")
            def find() -> None:
                """Find nothing."""

            find()
        assert len(said()) == mistakes.MOST + 1
        assert f"of {mistakes.MOST} agents is so of more" in said()[-1]

    def test_a_failing_tenant_function_is_the_only_cause_named(self, said: Said) -> None:
        """Where the function fails, it is not said as well that none was given."""

        @agent(publisher_id="acme", agent_id="finder", tenant=lambda: 1 / 0)  # type: ignore[arg-type]  # the test
        def find() -> None:
            """Find nothing."""

        find()
        (line,) = said()
        assert "ZeroDivisionError" in line


@pytest.mark.parametrize(
    ("environment", "expected"), [({}, 2), ({"OTEL_SDK_DISABLED": "true"}, 0)], ids=["on", "off"]
)
def test_never_set_up(environment: dict[str, str], expected: int) -> None:
    """Without an SDK each agent is named once with what to call; switched off, none is."""
    program = (
        "from agent_analytics.instrumentation import agent, tool\n"
        "@tool\ndef look(): pass\n"
        "for name in ('finder', 'writer', 'finder'):\n"
        "    agent(publisher_id='acme', name=name)(look)()\n"
        "look()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        timeout=patience(), env={**os.environ, **environment},
    )  # fmt: skip
    lines = done.stderr.splitlines()
    assert len(lines) == expected
    for name, line in zip(("finder", "writer"), lines, strict=False):
        assert f"agent '{name}' is called and nothing counts it" in line
        assert "configure()" in line
        assert "opentelemetry-instrument" in line


def test_a_provider_that_records_nothing_on_purpose(said: Said) -> None:
    """Whoever sets a provider that does nothing knows it."""

    @agent(publisher_id="acme", agent_id="finder")
    def find() -> int:
        return 1

    tracing.use_provider(trace.NoOpTracerProvider())
    try:
        assert find() == 1
    finally:
        tracing.use_provider(None)
    assert said() == []


class TestIds:
    """What the docs forbid as an id is refused at decoration."""

    @pytest.mark.parametrize("argument", ["publisher_id", "agent_id"])
    @pytest.mark.parametrize(
        "bad", ["_other", "a\nb", "a\tb", "a\0b", "\x1b[31macme", "a\u200bb", "a\u2028b", "a\x7f"]
    )
    def test_it_is_refused(self, argument: str, bad: str) -> None:
        """Neither what overflows is called, nor what cannot be printed."""
        good = {"publisher_id": "acme", "agent_id": "finder"}
        decorator: Any = agent
        with pytest.raises(ValueError, match=f"^{argument}: expected "):
            decorator(**{**good, argument: bad})

    def test_a_name_that_becomes_an_id(self) -> None:
        """The name stands for the id where only the publisher is given."""

        def _other() -> None:
            """Be named so."""

        for bad in ("_other", "a\nb"):
            with pytest.raises(ValueError, match=r"^agent_id, by default the name: expected "):
                agent(publisher_id="acme", name=bad)
        with pytest.raises(ValueError, match=r"^agent_id, by default the name: expected "):
            agent(publisher_id="acme")(_other)
        assert agent(publisher_id="acme", agent_id="fine")(_other) is not None

    @pytest.mark.parametrize("good", ["acme", "Ümlaut & Søn", "a b", "中文", "_others", "x" * 200])
    def test_it_is_taken(self, good: str) -> None:
        """Whatever can be printed is an id."""
        assert agent(publisher_id=good, agent_id=good) is not None


def test_a_log_that_nobody_reads_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A mistake that was said is neither built nor logged again."""
    built: list[int] = []

    class Agent(str):
        __slots__ = ()

        def __repr__(self) -> str:
            built.append(1)
            return super().__repr__()

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            mistakes.raised("tenant=", "agent 'x'", Agent, "nothing is known")
    assert len(caplog.records) == 1
