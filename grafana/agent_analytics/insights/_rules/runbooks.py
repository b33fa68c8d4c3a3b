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

_UNSAFE: Final = frozenset({"Cc", "Cf", "Zl", "Zp"})
_PLACE: Final = re.compile('"([PAT])"')
#: By the short name of an insight, the queries of its runbook.
FIRST_LOOK: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {spec.slug: spec.first_look for spec in OF_PUBLISHERS}
)


def first_look(insight: str, publisher_id: str, agent_id: str, tool: str) -> tuple[str, ...]:
    """Return the queries of an insight's runbook, about a listing and its tool."""
    labels = {"P": publisher_id, "A": agent_id, "T": tool}

    def of(place: re.Match[str]) -> str:
        return _quoted(labels[place[1]])

    return tuple(_PLACE.sub(of, query) for query in FIRST_LOOK.get(insight, ()))


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
