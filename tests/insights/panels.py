"""Reads the queries out of the committed dashboards and fills in what Grafana would."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: What is chosen at the top of a dashboard.
CHOSEN = {
    "publisher": "publisher-000",
    "agent": "listing-0000",
    "period": "29d",
    "__rate_interval": "1m",
    "runbooks": "/docs",
}
_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True)
class Query:
    """A query of a dashboard as Grafana would ask it.

    Attributes:
        name: Dashboard, panel and letter.
        expr: With the variables filled in.
        span: Seconds that it looks back over; 0 for an instant query.
        step: Seconds between its points.
    """

    name: str
    expr: str
    span: int
    step: int


def load(path: Path) -> dict[str, Any]:
    """Return a dashboard as plain objects."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def substitute(expr: str, chosen: Mapping[str, str] = CHOSEN) -> str:
    """Return an expression with a dashboard's variables filled in."""
    return re.sub(r"\$\{(\w+)\}|\$(\w+)", lambda match: chosen[match[1] or match[2]], expr)


def seconds(duration: str) -> int:
    """Return the length of a duration of one unit."""
    return int(duration[:-1]) * _SECONDS[duration[-1]] if duration else 0


def panel_queries(path: Path, chosen: Mapping[str, str] = CHOSEN) -> Iterator[Query]:
    """Yield the queries of the panels of a dashboard."""
    document = load(path)
    for panel in document["panels"]:
        span = seconds(panel.get("timeFrom") or document["time"]["from"].removeprefix("now-"))
        for target in panel["targets"]:
            name = f"{path.stem}-{panel['title']}-{target['refId']}"
            expr = substitute(target["expr"], chosen)
            if target.get("instant"):
                yield Query(name, expr, 0, 0)
            else:
                yield Query(name, expr, span, max(seconds(target.get("interval", "")), span // 360))


def other_queries(path: Path, chosen: Mapping[str, str] = CHOSEN) -> Iterator[Query]:
    """Yield the queries of the variables and annotations of a dashboard."""
    document = load(path)
    for variable in document["templating"]["list"]:
        if variable["type"] == "query":
            match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"])
            assert match is not None
            expr = f"count by ({match[2]}) ({substitute(match[1], chosen)})"
            yield Query(f"{path.stem}-variable-{variable['name']}", expr, 0, 0)
    for mark in document["annotations"]["list"]:
        name = f"{path.stem}-annotation-{mark['name']}"
        yield Query(name, substitute(mark["target"]["expr"], chosen), 3600, 300)
