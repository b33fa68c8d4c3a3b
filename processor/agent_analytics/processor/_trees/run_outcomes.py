"""How a run of foreign spans ended: what its spans say, and what their order says beside it."""

from typing import Final

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import _dialects as d
from agent_analytics.processor._runs.foreign_span import ForeignSpan
from agent_analytics.processor._runs.span_end import SpanEnd
from agent_analytics.processor._trees.roles import own, same_agent
from agent_analytics.processor._trees.tree import NEAR, end, started
from agent_analytics.processor._trees.tree_index import NONE, Order

_CALLS: Final = (d.TOOL, d.MODEL)


def failure(part: ForeignSpan, agents: list[ForeignSpan]) -> SpanEnd | None:
    """Return the span that shows an invocation's failure, or ``None`` if it went well.

    That is the span of the run, its first agent (or the same agent's second span), or the agent
    that the run was handed to last. What happened inside an agent says nothing: most frameworks
    hand the errors of tools back to the model.
    """
    candidates = _deciding(part, agents)
    failures = [one.ended for one in candidates if one.ended is not None and one.ended.failed]
    for ended in failures:
        if ended.attributes.get(v.ERROR_TYPE, "_OTHER") != "_OTHER":
            return ended
    return failures[0] if failures else None


def steered(part: ForeignSpan, agents: list[ForeignSpan]) -> bool:
    """Tell whether an exception ended an invocation by which the framework steers."""
    return any(
        one.ended is not None and one.ended.attributes.get(v.OUTCOME) == v.STEERED
        for one in _deciding(part, agents)
    )


def _deciding(part: ForeignSpan, agents: list[ForeignSpan]) -> list[ForeignSpan]:
    """Return the spans that show how an invocation ended."""
    first = agents[0]
    found = [first, *same_agent(first)]
    if len(agents) > 1:
        last = max(agents, key=end)
        if started(last) >= end(first):
            found = [last, *same_agent(last)]
    return [*found, part]


class CutShort:
    """Finds which runs were left in the middle of a call.

    Then the last thing in it is a call that was cancelled, or a tool call that ends after its
    agent. A cancellation that an agent lives through is followed by something: it asks its model
    again.

    Args:
        order: The spans of all of them, with their roles.
    """

    def __init__(self, order: Order) -> None:
        self._parts = order.parts
        #: Of each span the last call below it, and when the last thing there began.
        self._calls: list[ForeignSpan | None] = [None] * len(order.parts)
        self._began = [0] * len(order.parts)
        for place, up, part in order.upwards():
            if up == NONE:
                continue
            self._began[up] = max(self._began[up], self._began[place], started(part))
            # Of two that end at once, the first to be come upon from above.
            call = self._calls[place]
            if part.role in _CALLS and (call is None or end(part) >= end(call)):
                call = part
            last = self._calls[up]
            if call is not None and (last is None or end(call) >= end(last)):
                self._calls[up] = call

    @staticmethod
    def outlived(main: ForeignSpan) -> list[SpanEnd]:
        """Return the tool calls of an agent that began in it and ended after it.

        Args:
            main: The first agent of a run.
        """
        return [
            one.ended
            for one in own(main, d.TOOL)
            if one.ended is not None and started(one) < end(main) < end(one)
        ]

    def off(self, place: int, main: ForeignSpan) -> bool:
        """Return whether a run was left in the middle of a call, where no tool outlived its agent.

        Args:
            place: That of the span that stands for the run.
            main: Its first agent.
        """
        if main.ended is not None and main.ended.fine:
            return False
        if d.states_success(main.source) and _all_fine(main):
            return True
        last = self._calls[place]
        if last is None or last.ended is None or not last.ended.failed:
            return False
        if self._began[place] >= end(last):
            return False
        return last.ended.is_cancelled() and end(self._parts[place]) <= end(last) + NEAR


def step_cancelled(call: ForeignSpan) -> bool:
    """Tell whether the step that a call was made in ended with it, cancelled."""
    step = call.parent
    return (
        isinstance(step, ForeignSpan)
        and step.role == d.OTHER
        and step.ended is not None
        and step.ended.failed
        and step.ended.is_cancelled()
        and end(step) <= end(call) + NEAR
    )


def _all_fine(agent: ForeignSpan) -> bool:
    """Tell whether every call of an agent went well, by the agent's own instrumentation."""
    calls = [
        one for role in (d.TOOL, d.MODEL) for one in own(agent, role) if one.source == agent.source
    ]
    return bool(calls) and all(one.ended is not None and one.ended.fine for one in calls)
