"""Spans that say what they are after they have started: whole runs are read all the same."""

import itertools
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry import baggage, context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from tests.dialects.replay import IDENTITY, Counts, counts

from agent_analytics.instrumentation import agent, tool
from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.instrumentation.tracing import use_provider
from agent_analytics.processor import AgentMetricsProcessor

AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}
INNER = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "inner"}
TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}
CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "m",
    "gen_ai.usage.input_tokens": 10,
    "gen_ai.usage.output_tokens": 1,
}
AT_START, AFTER, AT_END = "at the start", "after the start", "at the end"
WHEN = pytest.mark.parametrize("when", [AT_START, AFTER, AT_END])


class App:
    """A program that writes spans by hand, under a scope that nobody knows."""

    def __init__(self, when: str, resource: Mapping[str, str] | None = None) -> None:
        self.when = when
        self.now = 0.0
        self.processor = AgentMetricsProcessor(hold_seconds=0, clock=lambda: self.now)
        self.provider = TracerProvider(
            resource=Resource(dict(IDENTITY if resource is None else resource)),
            shutdown_on_exit=False,
        )
        self.provider.add_span_processor(self.processor)
        self.tracer = self.provider.get_tracer("app")

    @contextmanager
    def span(self, attributes: Mapping[str, Any], scope: str = "app") -> Generator[None]:
        """Open a span that says what it is at some time."""
        tracer = self.provider.get_tracer(scope)
        early: Mapping[str, Any] = attributes if self.when == AT_START else {}
        with tracer.start_as_current_span("work", attributes=early) as span:
            if self.when == AFTER:
                span.set_attributes(dict(attributes))
            yield
            if self.when == AT_END:
                span.set_attributes(dict(attributes))

    def run(self) -> None:
        """Run an agent that asks its model, and whose tool asks a model and another agent."""
        with self.span(AGENT):
            with self.span(CHAT):
                pass
            with self.span({}), self.span(TOOL):
                with self.span(CHAT):
                    pass
                with self.span(INNER), self.span(CHAT):
                    pass

    def told(self) -> Counts:
        """Scrape."""
        return counts(self.processor)


@pytest.fixture
def decorate() -> Iterator[Callable[[App], None]]:
    """Return what sends the spans of decorators to an app."""
    yield lambda app: use_provider(app.provider)
    use_provider(None)


def is_one_run(told: Counts, runs: int = 1) -> None:
    """Assert that everything of ``runs`` runs was counted, once."""
    assert dict(told.invocations) == {"success": runs}
    assert dict(told.tools) == {("search", "success"): runs}
    assert dict(told.model_calls) == {"success": 3 * runs}
    assert dict(told.tokens) == {"input": 30 * runs, "output": 3 * runs}
    assert told.health["unattributed"] == told.health["in_progress"] == 0


@WHEN
@pytest.mark.parametrize("resource", [IDENTITY, {v.PUBLISHER_ID: "acme"}], ids=["both", "one"])
def test_a_run_written_by_hand(when: str, resource: Mapping[str, str]) -> None:
    """The first run is exact, and so is every later one, whenever spans say what they are."""
    app = App(when, resource)
    for runs in (1, 2, 3):
        app.run()
        told = app.told()
        is_one_run(told, runs)
        assert dict(told.agents) == {resource.get(v.AGENT_ID, "planner"): runs}


@WHEN
def test_whose_it_is_is_kept_from_the_start(when: str) -> None:
    """Baggage that was there when a span started names its owner, though it told nothing then."""
    app = App(when, {})
    around = context.get_current()
    for key, value in IDENTITY.items():
        around = baggage.set_baggage(key, value, around)
    token = context.attach(around)
    try:
        app.run()
    finally:
        context.detach(token)
    is_one_run(app.told())


@WHEN
def test_a_request_holds_any_number_of_runs(when: str) -> None:
    """Agents side by side in a span that has nothing to do with agents are runs of their own."""
    app = App(when)
    with app.span({}):
        app.run()
        app.run()
    is_one_run(app.told(), 2)


@WHEN
def test_a_framework_inside(when: str) -> None:
    """A framework's agent inside one that is written by hand is inner work."""
    app = App(when)
    with app.span(AGENT), app.span({}):
        app.when = AT_START
        with app.span(INNER, "pydantic-ai"), app.span(CHAT, "pydantic-ai"):
            pass
        app.when = when
    told = app.told()
    assert dict(told.invocations) == {"success": 1}
    assert dict(told.tokens) == {"input": 10, "output": 1}


@WHEN
def test_a_span_that_stays_open_does_not_hold_runs_back_for_long(when: str) -> None:
    """Runs in a span that goes on and on are counted after a minute, the later ones at once."""
    app = App(when)
    with app.span({}):
        app.run()
        app.now = 61.0
        is_one_run(app.told())
        app.run()
        is_one_run(app.told(), 2)
    is_one_run(app.told(), 2)


@WHEN
@pytest.mark.usefixtures("decorate")
def test_inside_a_decorator(decorate: Callable[[App], None], when: str) -> None:
    """A decorator round it makes one invocation of it, with the same calls and tokens."""
    app = App(when, {})
    decorate(app)

    @agent(publisher_id="acme", agent_id="finder")
    def find() -> None:
        app.run()

    find()
    is_one_run(app.told())


@WHEN
def test_usage_that_an_agent_repeats(when: str, decorate: Callable[[App], None]) -> None:
    """Tokens that the agent's span repeats of its model calls count once, decorated or not."""
    usage = {key: value for key, value in CHAT.items() if "usage" in key}
    app = App(when)
    decorate(app)

    def run() -> None:
        with app.span({**AGENT, **usage}), app.span(CHAT):
            pass

    run()
    assert app.told().tokens == {"input": 10, "output": 1}
    agent(publisher_id="acme", agent_id="finder")(run)()
    assert app.told().tokens == {"input": 20, "output": 2}


@WHEN
def test_a_decorated_agent_inside(when: str, decorate: Callable[[App], None]) -> None:
    """A decorated invocation inside an agent of the same listing is not counted twice."""
    app = App(when)
    decorate(app)

    @tool
    def search() -> None: ...

    @agent(publisher_id="acme", agent_id="finder")
    def find() -> None:
        search()

    with app.span(AGENT), app.span({}):
        find()
    told = app.told()
    assert dict(told.invocations) == {"success": 1}
    assert dict(told.tools) == {("search", "success"): 1}


@WHEN
def test_nothing_is_left_behind(when: str) -> None:
    """After all spans have ended nothing is kept of them."""
    app = App(when)
    for _ in itertools.repeat(None, 20):
        with app.span({}):
            app.run()
    runs = app.processor._runs  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # inside
    app.told()
    assert not runs.undecided.spans
    assert not runs._ends._waiting  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # inside
    assert not app.processor._open  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # inside
