"""What is looked at first of an insight: the queries of its runbook, with the labels of its alert.

The pages below ``docs/runbooks`` have the same queries with ``P``, ``A`` and ``T`` for labels.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from agent_analytics.insights._definitions import OF_PUBLISHERS
from agent_analytics.insights._promql import recorded

_UNSAFE: Final = frozenset({"Cc", "Cf", "Zl", "Zp"})
_PLACE: Final = re.compile('"([PAT])"')
#: By the short name of an insight, the queries of its runbook.
FIRST_LOOK: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {spec.slug: spec.first_look for spec in OF_PUBLISHERS}
)


#: By its short name, the series whose exemplars are traces of what an insight is about.
_TRACES: Final[Mapping[str, str]] = MappingProxyType(
    {spec.slug: spec.traces for spec in OF_PUBLISHERS if spec.traces}
)


def first_look(insight: str, publisher_id: str, agent_id: str, tool: str) -> tuple[str, ...]:
    """Return the queries of an insight's runbook, about a listing and its tool."""
    labels = {"P": publisher_id, "A": agent_id, "T": tool}
    return tuple(_placed(query, labels) for query in FIRST_LOOK.get(insight, ()))


def traces(insight: str, publisher_id: str, agent_id: str, tool: str) -> str:
    """Return the series whose exemplars are traces of an insight; empty where there are none."""
    return _placed(_TRACES.get(insight, ""), {"P": publisher_id, "A": agent_id, "T": tool})


def shown_by(insight: str, publisher_id: str, agent_id: str, tool: str) -> str:
    """Return the query of the number that an insight is raised by."""
    own = {"insight": insight, "publisher_id": publisher_id, "agent_id": agent_id}
    own |= {"tool": tool} if tool else {}
    matchers = ", ".join(f"{label}={_quoted(value)}" for label, value in own.items())
    return f"{recorded.MEASURE}{{{matchers}}}"


def _placed(query: str, labels: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: _quoted(labels[place[1]]), query)


def _quoted(value: str) -> str:
    """Return a string of PromQL in which nothing steers whoever reads it."""
    return "".join(
        f"\\U{ord(char):08x}" if unicodedata.category(char) in _UNSAFE else char
        for char in json.dumps(value, ensure_ascii=False)
    )


def runbook_url(base: str, insight: str) -> str:
    """Return the address of an insight's page below a base URL."""
    return f"{base.rstrip('/')}/{quote(insight, safe='')}.md"


def insights_table() -> str:
    """Return the insights as a table of the documentation, each with its page."""
    rows = (
        f"| `{spec.slug}` | {spec.when} | {spec.severity}, {spec.category}"
        f" | [runbook](runbooks/{spec.slug}.md) |"
        for spec in OF_PUBLISHERS
    )
    head = ("| insight | when | severity, category | page |", "|---|---|---|---|")
    return "".join(f"{line}\n" for line in (*head, *rows))
