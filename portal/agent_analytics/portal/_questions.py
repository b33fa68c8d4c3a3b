"""What dashboards ask of Prometheus: queries, annotations, exemplars, values of variables."""

import re
from typing import Any, Final

from agent_analytics.portal._asking import Prometheus
from agent_analytics.portal._committed import NotCommitted, Target, dashboard
from agent_analytics.portal._expressions import put
from agent_analytics.portal._requests import Asked
from agent_analytics.portal._spans import Span, built_in, span

_LABEL_VALUES: Final = re.compile(r"label_values\(\s*(?:(.+?)\s*,\s*)?(\w+)\s*\)", re.DOTALL)
_MOST_WARNINGS: Final = 5
_LONGEST: Final = 300


class Questions:
    """Answers what the page asks of committed dashboards.

    Args:
        prometheus: Whom to ask.
        scrape: Seconds between two scrapes, from which ``$__rate_interval`` is reckoned.
    """

    def __init__(self, prometheus: Prometheus, *, scrape: int = 5) -> None:
        self._prometheus = prometheus
        self._scrape = scrape

    async def query(self, asked: Asked) -> dict[str, Any]:
        """Return what a target of a panel is answered with.

        Raises:
            NotCommitted: There is no such target.
            UnknownVariable: A variable is not admitted.
            Failed: Prometheus does not answer, or refuses.
        """
        found = dashboard(asked.dashboard).target(asked.number("panel"), asked.text("target"))
        return await self._ask(found, asked)

    async def annotation(self, asked: Asked) -> dict[str, Any]:
        """Return what an annotation is answered with; raises as :meth:`query` does."""
        return await self._ask(dashboard(asked.dashboard).annotation(asked.text("name")), asked)

    async def exemplars(self, asked: Asked) -> dict[str, Any]:
        """Return the exemplars of a target of a panel; raises as :meth:`query` does."""
        target = dashboard(asked.dashboard).target(asked.number("panel"), asked.text("target"))
        if not target.exemplars:
            message = f"target {asked.text('target')} has no exemplars"
            raise NotCommitted(message)
        of = self._span(target, asked)
        form = {
            "query": self._expr(target, asked, of),
            "start": f"{asked.start:.3f}",
            "end": f"{asked.end:.3f}",
        }
        data: object = (await self._prometheus.ask("query_exemplars", form)).get("data")
        # Whoever keeps none may answer with something else.
        return {"result": data if isinstance(data, list) else []}

    async def values(self, asked: Asked) -> dict[str, Any]:
        """Return the values that a variable can have; raises as :meth:`query` does."""
        board = dashboard(asked.dashboard)
        variable = board.variable(asked.text("variable"))
        listed = _LABEL_VALUES.fullmatch(variable.query)
        if variable.kind != "query" or listed is None:
            message = f"the values of variable {variable.name} are not asked for"
            raise NotCommitted(message)
        selector = put(listed[1] or "", board.chosen(asked.variables), {})
        found = await self._prometheus.label_values(
            listed[2], selector, start=asked.start, end=asked.end
        )
        return {"values": found}

    async def _ask(self, target: Target, asked: Asked) -> dict[str, Any]:
        of = self._span(target, asked)
        form = {"query": self._expr(target, asked, of)}
        if target.instant:
            form["time"] = f"{asked.end:.3f}"
        else:
            form |= {"start": str(of.start), "end": str(of.end), "step": str(of.step)}
        answer = await self._prometheus.ask("query" if target.instant else "query_range", form)
        warnings: list[object] = answer.get("warnings") or []
        data: dict[str, Any] = answer.get("data") or {}
        return {
            "start": of.start,
            "end": of.end,
            "step": of.step,
            "result": data.get("result", []),
            "warnings": [str(each)[:_LONGEST] for each in warnings[:_MOST_WARNINGS]],
        }

    def _span(self, target: Target, asked: Asked) -> Span:
        start = asked.end - target.last if target.last else asked.start
        return span(start, asked.end, points=asked.points, least=target.least_step or self._scrape)

    def _expr(self, target: Target, asked: Asked, of: Span) -> str:
        chosen = dashboard(asked.dashboard).chosen(asked.variables)
        return put(target.expr, chosen, built_in(of, scrape=self._scrape))
