"""Spans as marketplaces have them: what the benchmarks feed to processors."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opentelemetry.trace import Status, StatusCode

from agent_analytics.instrumentation import vocabulary as v

ATTRIBUTES = Mapping[str, str | int]

PUBLISHERS = 20
LISTINGS = 100
TENANTS = 2_000
MODELS = ("gpt-large", "gpt-small", "claude-medium")
TOOLS = ("search", "fetch", "calendar", "database", "send_mail")
PRICES = ("0.01", "0.05", "0.10", "0.25", "1.00")
ERROR_TYPES = ("ValueError", "TimeoutError", "openai.RateLimitError")
FAILED = Status(StatusCode.ERROR)


@dataclass(frozen=True, slots=True)
class SpanPlan:
    """A span to be: its name, its attributes, and whether it fails."""

    name: str
    attributes: ATTRIBUTES
    fails: bool = False


def _ids(listing: int) -> tuple[str, str]:
    return f"publisher-{listing % PUBLISHERS}", f"agent-{listing:03d}"


def invocations(count: int, seed: int = 1) -> list[SpanPlan]:
    """Return invocations with 11 attributes (12 where they fail, which 5 % do)."""
    draw = random.Random(seed)
    plans: list[SpanPlan] = []
    for _ in range(count):
        listing = draw.randrange(LISTINGS)
        publisher, agent = _ids(listing)
        tokens_in, tokens_out = draw.randrange(5_000), draw.randrange(900)
        fails = draw.random() < 0.05
        attributes: dict[str, str | int] = {
            v.OPERATION_NAME: v.INVOKE_AGENT,
            v.AGENT_NAME: f"Agent {listing}",
            v.PUBLISHER_ID: publisher,
            v.AGENT_ID: agent,
            v.TENANT_ID: f"tenant-{draw.randrange(TENANTS)}",
            v.OUTCOME: v.ERROR if fails else v.SUCCESS,
            v.REQUEST_MODEL: MODELS[listing % len(MODELS)],
            v.INPUT_TOKENS: tokens_in,
            v.OUTPUT_TOKENS: tokens_out,
            # Depends on the tokens, so hardly any two are alike and no cache can help.
            v.COST_USD: f"{(tokens_in * 15 + tokens_out * 60) / 10_000_000:.7f}",
            v.REVENUE_USD: PRICES[listing % len(PRICES)],
        }
        if fails:
            attributes[v.ERROR_TYPE] = draw.choice(ERROR_TYPES)
        plans.append(SpanPlan(f"invoke_agent Agent {listing}", attributes, fails))
    return plans


def tools(count: int, *, with_publisher: bool, seed: int = 2) -> list[SpanPlan]:
    """Return tool calls with 10 attributes (11 where they fail, which 5 % do).

    Args:
        count: How many.
        with_publisher: Whether they name publisher and agent themselves; else those that a
            framework sets take their place, and the calls belong to the invocation round them.
        seed: Of the random draws.
    """
    draw = random.Random(seed)
    plans: list[SpanPlan] = []
    for number in range(count):
        publisher, agent = _ids(draw.randrange(LISTINGS))
        tool = draw.choice(TOOLS)
        fails = draw.random() < 0.05
        attributes: dict[str, str | int] = {
            v.OPERATION_NAME: v.EXECUTE_TOOL,
            v.TOOL_NAME: tool,
            v.OUTCOME: v.ERROR if fails else v.SUCCESS,
            "gen_ai.tool.call.id": f"call-{number}",
            "gen_ai.tool.type": "function",
            "gen_ai.tool.description": f"The tool {tool}",
            "gen_ai.provider.name": "openai",
            v.CONVERSATION_ID: f"conversation-{number}",
        }
        if with_publisher:
            attributes |= {v.PUBLISHER_ID: publisher, v.AGENT_ID: agent}
        else:
            attributes |= {"server.address": "tools.example", "server.port": 443}
        if fails:
            attributes[v.ERROR_TYPE] = draw.choice(ERROR_TYPES)
        plans.append(SpanPlan(f"execute_tool {tool}", attributes, fails))
    return plans


def decorated_tools(count: int, seed: int = 3) -> list[SpanPlan]:
    """Return tool calls with the few attributes that the decorator ``tool`` writes."""
    draw = random.Random(seed)
    plans: list[SpanPlan] = []
    for _ in range(count):
        tool = draw.choice(TOOLS)
        attributes = {
            v.OPERATION_NAME: v.EXECUTE_TOOL,
            v.TOOL_NAME: tool,
            v.OUTCOME: v.SUCCESS,
        }
        plans.append(SpanPlan(f"execute_tool {tool}", attributes))
    return plans


def http_servers() -> SpanPlan:
    """Return the span of a request that a service answers, as web frameworks record it."""
    return SpanPlan(
        "GET /api/orders/{id}",
        {
            "http.request.method": "GET",
            "url.scheme": "https",
            "url.path": "/api/orders/1234567",
            "http.route": "/api/orders/{id}",
            "network.protocol.version": "1.1",
            "server.address": "shop.example",
            "server.port": 443,
            "client.address": "203.0.113.7",
            "user_agent.original": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0",
            "http.response.status_code": 200,
        },
    )


def http_clients() -> SpanPlan:
    """Return the span of a request that a service makes."""
    return SpanPlan(
        "POST",
        {
            "http.request.method": "POST",
            "url.full": "https://models.example/v1/chat/completions",
            "server.address": "models.example",
            "server.port": 443,
            "network.protocol.version": "1.1",
            "http.response.status_code": 200,
        },
    )


def queries() -> SpanPlan:
    """Return the span of a database query."""
    return SpanPlan(
        "SELECT orders",
        {
            "db.system.name": "postgresql",
            "db.namespace": "shop",
            "db.operation.name": "SELECT",
            "db.collection.name": "orders",
            "db.query.text": "SELECT id, total, state FROM orders WHERE customer = $1 LIMIT 50",
            "server.address": "db.internal",
            "server.port": 5432,
        },
    )


def window(plans: Sequence[SpanPlan], size: int, number: int) -> Sequence[SpanPlan]:
    """Return the ``number``-th ``size`` of ``plans``, from the beginning again after the end."""
    start = number * size % (len(plans) - size + 1)
    return plans[start : start + size]
