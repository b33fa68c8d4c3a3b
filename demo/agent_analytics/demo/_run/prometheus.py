"""Asks a Prometheus over its HTTP API."""

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from agent_analytics.insights import Insight, parse_alerts

_TIMEOUT_SECONDS: Final = 15.0


class QueryError(RuntimeError):
    """Prometheus refused a query or could not be reached; the message has its words."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of an instant query's answer."""

    labels: dict[str, str]
    value: float

    @property
    def listing(self) -> tuple[str, str]:
        """Publisher and agent, empty where the series has none."""
        return self.labels.get("publisher_id", ""), self.labels.get("agent_id", "")


@dataclass(frozen=True, slots=True)
class Target:
    """A scrape target: its address, ``up`` or not, the last error, and when (Unix time)."""

    url: str
    health: str
    error: str
    last_scrape: float


class Prometheus:
    """A Prometheus server at ``url``."""

    def __init__(self, url: str) -> None:
        """Remember where it is; nothing is asked yet."""
        self.url = url.rstrip("/")

    def query(self, expression: str, *, at: float | None = None) -> list[Sample]:
        """Evaluate PromQL now, or at a Unix time.

        Raises:
            QueryError: The expression was refused, or nobody answered.
        """
        parameters = {"query": expression}
        if at is not None:
            parameters["time"] = f"{at:.3f}"
        data = self._get("query", parameters)
        return [
            Sample(dict(series["metric"]), float(series["value"][1])) for series in data["result"]
        ]

    def by_listing(self, expression: str) -> dict[tuple[str, str], float]:
        """Evaluate PromQL whose series are one a listing."""
        return {sample.listing: sample.value for sample in self.query(expression)}

    def insights(self) -> list[Insight]:
        """Return what is firing, for on-call and for publishers."""
        answer = json.dumps({"data": self._get("alerts", {})})
        return [insight for insight in parse_alerts(answer) if insight.state == "firing"]

    def targets(self) -> list[Target]:
        """Return the active scrape targets."""
        return [
            Target(
                str(target["scrapeUrl"]),
                str(target["health"]),
                str(target["lastError"]),
                datetime.fromisoformat(target["lastScrape"]).timestamp(),
            )
            for target in self._get("targets", {"state": "active"})["activeTargets"]
        ]

    def _get(self, endpoint: str, parameters: dict[str, str]) -> dict[str, Any]:
        url = f"{self.url}/api/v1/{endpoint}"
        body = urllib.parse.urlencode(parameters).encode()
        request = urllib.request.Request(
            url if endpoint == "query" else f"{url}?{body.decode()}",
            data=body if endpoint == "query" else None,
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
                document = json.load(answer)
        except urllib.error.HTTPError as error:
            msg = f"{endpoint}: {error.read(500).decode(errors='replace')}"
            raise QueryError(msg) from error
        except OSError as error:
            msg = f"{endpoint}: {error}"
            raise QueryError(msg) from error
        return cast("dict[str, Any]", document["data"])
