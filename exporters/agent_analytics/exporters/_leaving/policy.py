"""What may leave the process over OTLP: the one declaration, for every span that is exported.

What is listed leaves. Anything else stays, whoever writes it and under whatever name, unless it is
asked for. docs/configuration.md has the table, which scripts/leaving_doc.py prints from here.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from agent_analytics.processor import dialects


class Group(NamedTuple):
    """Attributes that leave.

    Attributes:
        what: What they say, for people.
        keys: Their names; ``*`` stands for what names are made of: a name may be a text, too.
        figures: Whether they leave as numbers alone.
    """

    what: str
    keys: tuple[str, ...]
    figures: bool = False


#: Of spans, their events and their links.
ATTRIBUTES: Final = (
    Group("what kind of work it is", (
        "gen_ai.operation.name", "openinference.span.kind", "traceloop.span.kind",
        "gen_ai.output.type", "marketplace.event", "mcp.method.name", "mcp.protocol.version",
        "gen_ai.tool.type",
    )),
    Group("whose it is", (
        "marketplace.publisher.id", "marketplace.agent.id", "gen_ai.agent.name", "gen_ai.agent.id",
        "gen_ai.agent.version", "agent.name",
    )),
    Group("which tool", ("gen_ai.tool.name", "tool.name")),
    Group("which model, and who serves it", (
        "gen_ai.provider.name", "gen_ai.system", "gen_ai.request.model", "gen_ai.response.model",
        "llm.model_name", "llm.provider", "llm.system", "gen_ai.request.service_tier",
        "gen_ai.response.service_tier", "gen_ai.response.finish_reasons",
    )),
    Group("how the model was asked", (
        "gen_ai.request.choice.count", "gen_ai.request.frequency_penalty",
        "gen_ai.request.max_tokens", "gen_ai.request.presence_penalty", "gen_ai.request.seed",
        "gen_ai.request.temperature", "gen_ai.request.top_k", "gen_ai.request.top_p",
        "gen_ai.request.stream",
    ), figures=True),
    Group("what it used, took and cost", (
        "gen_ai.usage.*", "llm.token_count.*", "llm.usage.*", "llm.cost.*", "marketplace.usage.*",
        "marketplace.revenue.usd", "marketplace.refund.usd", "marketplace.cost.usd",
        "marketplace.stated_cost.usd", "marketplace.feedback.rating",
        "marketplace.duration.unknown", "marketplace.tool.repeated",
        "marketplace.tool.result.bytes", "gen_ai.response.time_to_first_chunk",
        "gen_ai.server.time_to_first_token", "gen_ai.evaluation.score.value",
    ), figures=True),
    Group("how it went", (
        "marketplace.outcome", "error.type", "exception.type", "exception.escaped",
        "gen_ai.evaluation.name", "http.response.status_code", "http.status_code",
        "rpc.grpc.status_code", "rpc.response.status_code",
    )),
    Group("which call of a server, a client or a database, without paths, parameters, statements", (
        "http.request.method", "http.method", "http.route", "http.flavor", "url.scheme",
        "http.scheme", "server.address", "server.port", "net.peer.name", "net.peer.port",
        "network.protocol.name", "network.protocol.version", "network.transport", "rpc.system",
        "rpc.service", "rpc.method", "db.system", "db.system.name", "db.operation",
        "db.operation.name", "messaging.system", "messaging.operation",
        "messaging.operation.name", "messaging.operation.type",
    )),
    Group("which thread", ("thread.id",), figures=True),
)  # fmt: skip
#: Of the resource: who the process is.
RESOURCE: Final = (
    Group("the service, where it runs, and whose it is", (
        "service.*", "deployment.*", "telemetry.*", "marketplace.publisher.id",
        "marketplace.agent.id", "cloud.*", "k8s.*", "container.id", "container.name",
        "container.image.*", "host.name", "host.id", "host.type", "host.arch", "os.*",
        "process.pid", "process.executable.name", "process.runtime.*",
    )),
)  # fmt: skip
#: Events that leave, without further attributes than those above.
EVENTS: Final = frozenset({"exception"})
#: A longer text under a name of these is cut: it is no name.
LONGEST: Final = 200
#: So many items of a list leave.
MOST: Final = 16
#: Of these, what has blanks in it is a sentence and no type.
TYPES: Final = frozenset({"error.type", "exception.type"})
#: What stands in its place, as the conventions have it.
OTHER: Final = "_OTHER"
#: Everything, as it is.
ALL: Final = "*"

#: What content is called, by who writes it.
CONTENT: Final = (
    *dialects.CONTENT,
    # of any span
    r"exception\.(message|stacktrace)|marketplace\.feedback\.comment",
)


def matcher(patterns: Iterable[str]) -> re.Pattern[str]:
    """Return what names match fully that one of these patterns stands for."""
    return _compiled(patterns, ".*")


def declared(groups: Iterable[Group]) -> re.Pattern[str]:
    """Return what the names of attributes match fully that are declared here."""
    return _compiled((key for each in groups for key in each.keys), r"[\w.-]{1,100}")


def _compiled(patterns: Iterable[str], anything: str) -> re.Pattern[str]:
    whole = "|".join(anything.join(map(re.escape, each.split("*"))) for each in patterns)
    return re.compile(whole or r"(?!)", re.DOTALL | re.ASCII)


def table() -> str:
    """Return the declaration as a table in Markdown."""
    name = "the name if it is no sentence and no path"
    basics = f"ids, kind, times, links, scope, status without text, {name}"
    rows = [("every span", basics)]
    for each in ATTRIBUTES:
        as_numbers = ", as numbers" if each.figures else ""
        rows.append((f"attributes: {each.what}{as_numbers}", _listed(each.keys)))
    rows.extend((f"resource: {each.what}", _listed(each.keys)) for each in RESOURCE)
    rows.append(("events", f"{_listed(sorted(EVENTS))}, with these attributes alone"))
    lines = ["| what | leaves |", "|---|---|", *(f"| {what} | {keys} |" for what, keys in rows)]
    return "\n".join(lines) + "\n"


def _listed(keys: Iterable[str]) -> str:
    return ", ".join(f"`{key}`" for key in keys)
