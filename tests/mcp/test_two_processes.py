"""A tool of an MCP server in another process: its call counts once, summed over both."""

import pytest
from tests.mcp.conftest import Calls, Metrics, Start, identity, needs_newer

ACME, GLOBEX = ("acme", "finder"), ("globex", "atlas")
ENDINGS = ["search", "broken", "refuse", "slow:timeout", "slow:cancelled"]


def of(listing: tuple[str, str], **outcomes: str) -> Calls:
    """Return one call of each of these tools, with its outcome."""
    return {(*listing, tool, outcome): 1 for tool, outcome in outcomes.items()}


def calls(metrics: Metrics | None) -> Calls:
    """Return the tool calls that a process has counted."""
    assert metrics is not None
    return metrics.calls()


@pytest.mark.parametrize(
    ("transport", "framework", "wrapped", "refused"),
    [
        ("stdio", "sdk", "plain", "refused"),
        pytest.param("http", "sdk", "tool", "refused", marks=pytest.mark.slow),
        pytest.param("http", "fastmcp", "tool", "is_error", marks=needs_newer),
    ],
)
def test_a_decorated_agent(
    start: Start, transport: str, framework: str, wrapped: str, refused: str
) -> None:
    """Every ending of a call is counted once, by its caller, as the caller's code saw it.

    The server's function may be decorated, too. The client of MCP raises one and the same
    exception for a timeout and for a refusal; FastMCP returns a refusal as data.
    """
    serving = ("--framework", framework, "--wrapped", wrapped)
    pair = start(ENDINGS, transport=transport, serving=serving, wrapped=True)
    assert pair.outcomes == ["ok", "is_error", refused, "timeout", "cancelled"]
    assert calls(pair.client) == {
        **of(ACME, search="success", broken="error", refuse="error", slow="error"),
        (*ACME, "slow", "cancelled"): 1,
    }
    assert pair.told_again(5) >= 5
    assert pair.server.calls() == {}


@pytest.mark.slow
def test_what_the_client_of_mcp_does_not_tell(start: Start) -> None:
    """Without a span of the caller's round it a call counts once, but not each failure shows."""
    pair = start(ENDINGS)
    assert pair.outcomes == ["ok", "is_error", "refused", "timeout", "cancelled"]
    assert calls(pair.client) == {
        **of(ACME, search="success", broken="success", refuse="error", slow="timeout"),
        (*ACME, "slow", "success"): 1,
    }
    assert pair.told_again(5) == 5
    assert pair.server.calls() == {}


@needs_newer
@pytest.mark.parametrize(
    ("transport", "framework"),
    [pytest.param("stdio", "fastmcp", marks=pytest.mark.slow), ("http", "sdk")],
)
def test_a_framework(start: Start, transport: str, framework: str) -> None:
    """The framework's tool span and those of both clients and the server are one call."""
    pair = start(
        ENDINGS[:3],
        agent="pydantic-ai",
        transport=transport,
        serving=("--framework", framework),
        client=identity("acme", "finder"),
    )
    assert pair.client is not None
    assert pair.client.calls() == of(ACME, search="success", broken="error", refuse="error")
    assert pair.told_again(3) == 3
    assert pair.server.calls() == {}
    assert pair.client.invocations() == {ACME: 1}


@pytest.mark.slow
@pytest.mark.parametrize("agent", ["decorated", pytest.param("pydantic-ai", marks=needs_newer)])
def test_many_at_the_same_time(start: Start, agent: str) -> None:
    """Twenty calls over one session are twenty calls."""
    pair = start(["search"] * 20, agent=agent, together=True, client=identity("acme", "finder"))
    assert calls(pair.client) == {(*ACME, "search", "success"): 20}
    assert pair.told_again(20) == 20
    assert pair.server.calls() == {}


@pytest.mark.slow
@needs_newer
def test_propagated_twice(start: Start) -> None:
    """An instrumentation that sends the context as well, as MCP itself does, changes nothing."""
    pair = start(["search", "broken"], instrumented=True, serving=("--instrumented",), wrapped=True)
    assert calls(pair.client) == of(ACME, search="success", broken="error")
    assert pair.told_again(2) == 2
    assert pair.server.calls() == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("transport", "framework", "wrapped"),
    [
        ("stdio", "sdk", "plain"),
        pytest.param("http", "fastmcp", "tool", marks=needs_newer),
        ("http", "sdk", "tool"),
    ],
)
def test_a_caller_that_tells_nothing(
    start: Start, transport: str, framework: str, wrapped: str
) -> None:
    """The server tells of calls for which nobody else does, under its own name."""
    pair = start(
        ENDINGS[:3],
        agent="nobody",
        counted=False,
        transport=transport,
        serving=("--framework", framework, "--wrapped", wrapped),
    )
    assert pair.client is None
    assert pair.server.wait_for(lambda one: sum(one.calls().values()), 3) == 3
    assert pair.server.calls() == of(GLOBEX, search="success", broken="error", refuse="error")


@pytest.mark.slow
def test_a_caller_that_tells_nothing_gives_up(start: Start) -> None:
    """A function that is decorated tells that its caller has cancelled the call."""
    serving = ("--wrapped", "tool")
    pair = start(["slow:cancelled"], agent="nobody", counted=False, serving=serving)
    assert pair.server.wait_for(lambda one: sum(one.calls().values()), 1) == 1
    assert pair.server.calls() == of(GLOBEX, slow="cancelled")


@pytest.mark.slow
def test_a_server_without_a_name(start: Start) -> None:
    """A server that names nobody credits nobody with its calls, and says how many."""
    pair = start(["search"], agent="nobody", counted=False, server={})
    assert pair.server.wait_for(lambda one: one.health("unattributed_spans_total", "tool"), 1) == 1
    assert pair.server.calls() == {}


@pytest.mark.slow
def test_no_context_travels(start: Start) -> None:
    """Where the caller's propagator sends no trace context both processes tell of the call."""
    pair = start(["search"], client={"OTEL_PROPAGATORS": "baggage"})
    assert calls(pair.client) == of(ACME, search="success")
    assert pair.server.wait_for(lambda one: sum(one.calls().values()), 1) == 1
    assert pair.server.calls() == of(GLOBEX, search="success")


def test_another_publishers_server(start: Start) -> None:
    """A caller that says that it is another publisher's uses a tool, and the server served it."""
    pair = start(["search", "broken"], identity=True, wrapped=True)
    assert calls(pair.client) == of(ACME, search="success", broken="error")
    assert pair.server.wait_for(lambda one: sum(one.calls().values()), 2) == 2
    assert pair.server.calls() == of(GLOBEX, search="success", broken="error")


@pytest.mark.slow
def test_the_same_publishers_server(start: Start) -> None:
    """A caller that says that it is the server's own publisher tells of the call."""
    pair = start(["search"], identity=True, server=identity("acme", "atlas"))
    assert calls(pair.client) == of(ACME, search="success")
    assert pair.told_again(1) == 1
    assert pair.server.calls() == {}


@pytest.mark.slow
@pytest.mark.parametrize("trust", [False, True])
def test_a_caller_that_names_whose_the_server_is(start: Start, *, trust: bool) -> None:
    """Identity in ``_meta`` makes the server's work the caller's where callers are trusted."""
    setting = {"AGENT_ANALYTICS_TRUST_INCOMING_BAGGAGE": str(trust).lower()}
    pair = start(["search"], identity=True, serving=("--wrapped", "nameless"), server=setting)
    assert calls(pair.client) == of(ACME, search="success")
    if trust:
        assert pair.server.wait_for(lambda one: sum(one.invocations().values()), 1) == 1
    else:
        lost = pair.server.wait_for(
            lambda one: one.health("unattributed_spans_total", "invocation"), 1
        )
        assert lost == 1
    assert pair.server.invocations() == ({ACME: 1} if trust else {})


def test_a_server_that_is_a_listing(start: Start) -> None:
    """A decorated function is an invocation of its own listing, whoever calls it."""
    pair = start(["search"], serving=("--wrapped", "agent"))
    assert calls(pair.client) == of(ACME, search="success")
    assert pair.server.wait_for(lambda one: sum(one.invocations().values()), 1) == 1
    assert pair.server.invocations() == {GLOBEX: 1}
    assert pair.server.calls() == {}


@pytest.mark.slow
def test_a_tool_of_the_servers_own(start: Start) -> None:
    """What the server's function calls under another name is a call of the server's."""
    pair = start(["relay"])
    assert calls(pair.client) == of(ACME, relay="success")
    assert pair.server.wait_for(lambda one: sum(one.calls().values()), 1) == 1
    assert pair.server.calls() == of(GLOBEX, look_up="success")
