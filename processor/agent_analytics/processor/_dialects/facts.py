"""What a span of any dialect was found to say."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from agent_analytics.instrumentation.money import nano_usd

# --- roles ---------------------------------------------------------------------------------------

#: See-through: steps, loops, retrievals, whatever is none of the others.
OTHER: Final = 0
AGENT: Final = 1
TOOL: Final = 2
MODEL: Final = 3
#: Holds the agents of one run, and is none itself.
WORKFLOW: Final = 4
#: One agent passes the run on to the next: neither a tool call nor an agent.
HANDOFF: Final = 5
#: A record of what calls used, beside their spans or instead of them: no call of its own.
USAGE: Final = 6

# --- what a framework of graphs says of a span ---------------------------------------------------

#: Nothing: no such framework.
NO_GRAPH: Final = 0
#: A graph, or something in one, of which it is not said what it is.
GRAPH: Final = 1
#: A step of a graph.
GRAPH_STEP: Final = 2
#: A graph that the framework itself built as an agent.
GRAPH_AGENT: Final = 3
#: The function that a graph was declared by: an agent, where it asks models or calls tools.
GRAPH_FUNCTION: Final = 4
#: What the framework does between steps.
GRAPH_PLUMBING: Final = 5


class Tokens(NamedTuple):
    """Numbers of tokens as a span has them; ``None`` for each that it does not have.

    Attributes:
        sent: The input.
        received: The output.
        cached: The part of the input that was read from a cache.
        reasoning: The part of the output that was spent on reasoning.
    """

    sent: Any = None
    received: Any = None
    cached: Any = None
    reasoning: Any = None

    def is_whole(self) -> bool:
        """Return whether input or output is known, and not parts of them alone."""
        return self.sent is not None or self.received is not None


class StatedCost(NamedTuple):
    """A cost that an instrumentation states.

    Attributes:
        amounts: What stands in the span; their sum is the cost.
        dollars: Whether they are US dollars.
    """

    amounts: tuple[Any, ...]
    dollars: bool = True

    def is_known(self) -> bool:
        """Return whether it can be believed; nothing is refused or counted by that."""
        try:
            return self.dollars and sum(map(nano_usd, self.amounts)) > 0
        except ValueError:
            return False


@dataclass(init=False)
class Facts:
    """One span in the project's own words; what the span does not say is ``None``.

    Most spans say little of all this: what is not said is the class's, and costs nothing.

    Attributes:
        role: One of the roles above.
        name: Of the agent or the tool, without random parts.
        named: Whether an attribute gave the name, and not the span's own name alone.
        model: Model that was asked, or that answered.
        asked: Whether it is known that it was asked.
        response_model: Model that answered.
        provider: Who runs the model.
        tokens: Input, output, cached (part of the input) and reasoning (part of the output),
            whatever the instrumentation leaves out of its input and output.
        cache_write: The part of the input that was written to the cache.
        cache_write_1h: The part of that which the cache keeps for an hour.
        follows_convention: How well it is known what the instrumentation counts as input:
            2 where it is known to follow the conventions, 1 where it is known how it differs, 0
            where that is not known, -1 where the figures contradict what was known.
        cost: What the instrumentation states that it cost.
        conversation: Conversation or session, as the framework names it.
        first_chunk: Seconds from the start of the span to the first chunk.
        response_id: The model's own id of its answer.
        other_ids: Further ids of it, where other views of the call have them.
        fetched: Whether it fetches an answer that a model gave before.
        call_id: The model's own id of a tool call.
        failed: True where an attribute says so; the span's status is looked at elsewhere.
        outcome: How a call ended where data says what no status does; else ``None``.
        graph: What a framework of graphs says of it.
        protocol: True for a span of the protocol that a tool is called over.
        speaks: True where an attribute says that an agent, a tool or a model is at work.
        unmarked: True where only the name of the span says that it may be an agent's.
        declared: True for a workflow that the user's own code declares.
        bare: True where a span is marked as a model call and says nothing that only one would.
    """

    role: int = OTHER
    name: str | None = None
    named: bool = False
    model: str | None = None
    asked: bool = False
    tokens: Tokens | None = None
    response_model: str | None = None
    provider: str | None = None
    cache_write: Any = None
    cache_write_1h: Any = None
    follows_convention: int = 0
    cost: StatedCost | None = None
    conversation: str | None = None
    first_chunk: float | None = None
    response_id: str | None = None
    other_ids: tuple[str, ...] = ()
    fetched: bool = False
    call_id: str | None = None
    failed: bool = False
    outcome: str | None = None
    graph: int = NO_GRAPH
    protocol: bool = False
    speaks: bool = False
    unmarked: bool = False
    declared: bool = False
    bare: bool = False

    def __init__(self, role: int = OTHER, *, speaks: bool = False) -> None:
        self.role = role
        if speaks:
            self.speaks = True
