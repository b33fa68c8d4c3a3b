"""What a report of the first minutes lacks, why, and until when."""

import json
from typing import Any

import pytest

from agent_analytics.insights._prometheus.client import PrometheusClient
from agent_analytics.insights._promql.windows import Raw, RawPeriod
from agent_analytics.insights._report.answers.figures import Fields
from agent_analytics.insights._report.answers.history import History
from agent_analytics.insights._report.answers.not_yet import missing
from agent_analytics.insights._report.pages import text

#: 2026-03-31 12:00:00 UTC.
NOW = 1_774_958_400.0
COUNTED = Fields(total_invocations=3, unique_tenants=None, active_installs=1)
SKETCHES = "http://agents:9464/metrics/sketches"


class Says(PrometheusClient):
    """A Prometheus of which it is known what it scrapes and evaluates."""

    def __init__(self, **answers: object) -> None:
        super().__init__("http://127.0.0.1:9")
        self._answers = answers

    def _request(self, path: str, body: bytes | None) -> bytes:  # noqa: ARG002 - the name is the base's
        answer = self._answers.get(path.partition("?")[0])
        if answer is None:
            return b'{"status": "error", "error": "not found"}'
        return json.dumps({"status": "success", "data": answer}).encode()


def target(**changed: object) -> dict[str, Any]:
    """Return a target of the sketches."""
    return {
        "labels": {"job": "agent-analytics-sketches"},
        "scrapeUrl": SKETCHES,
        "health": "up",
        "lastError": "",
        "lastScrape": "2026-03-31T11:58:20.5Z",
        "scrapeInterval": "5m",
        **changed,
    }


def history(begun: float = NOW - 60, **changed: Any) -> History:  # noqa: ANN401 - fields of several types
    """Return a history of a minute."""
    return History(NOW, begun, RawPeriod(30, raw=Raw(120, 1)), begun=begun, **changed)


def tenants(*targets: object, **of_history: Any) -> str:  # noqa: ANN401 - fields of several types
    """Return what is said of tenants."""
    client = Says(targets={"activeTargets": list(targets)})
    (said,) = [
        each for each in missing(client, history(**of_history), COUNTED) if "Tenants" in each
    ]
    return said


NEVER = "0001-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "not counted yet: the sketches are scraped every 5m, next by 12:04 UTC."),
        ({"lastScrape": NEVER, "health": "unknown"}, "not counted yet: the sketches are scraped"),
        ({"labels": {"job": "own"}}, "not counted yet: the sketches are scraped every 5m"),
        # The scrape at 12:00:10 comes while newborn sketches are still held back.
        ({"scrapeInterval": "1m50s"}, "scraped every 1m50s, next by 12:03 UTC."),
        (
            {"health": "down", "lastError": "connection refused"},
            "not counted: the scrape of the sketches fails: connection refused.",
        ),
        (
            {"scrapeUrl": "http://agents:9464/metrics", "labels": {"job": "agent-analytics"}},
            "not counted: Prometheus does not scrape the sketches (/metrics/sketches).",
        ),
    ],
)
def test_why_tenants_are_not_known(changed: dict[str, object], said: str) -> None:
    """A sketch that is not scraped yet is not one that nobody scrapes."""
    assert said in tenants(target(**changed), begun=NOW - 45)


def test_nobody_names_a_tenant() -> None:
    """Where the sketches were scraped since, invocations name none."""
    assert tenants(target(), begun=NOW - 3_600) == (
        "Tenants are not counted: invocations name no tenant."
    )


def test_targets_that_are_not_shown() -> None:
    """A server that stands for Prometheus and scrapes nothing leaves it open."""
    (said,) = [each for each in missing(Says(), history(), COUNTED) if "Tenants" in each]
    assert said.endswith("(/metrics/sketches), or invocations name no tenant.")
    assert "does not scrape the sketches" in tenants()
    assert ", or invocations" in tenants(target(), now=False)


LEVEL = "marketplace_agent_invocations_total:level"


def rules(*loaded: dict[str, object]) -> dict[str, object]:
    """Return an answer with rules in a group of five minutes."""
    return {"groups": [{"name": "levels", "interval": 300, "rules": list(loaded)}]}


@pytest.mark.parametrize(
    ("answer", "of_history", "said"),
    [
        (rules({"name": "other"}), {}, "has not loaded the recording rules"),
        (
            rules({"name": LEVEL, "lastEvaluation": NEVER}),
            {},
            "roll-ups are not recorded yet: their rules run by 12:05 UTC.",
        ),
        (
            rules({"name": LEVEL, "lastEvaluation": "2026-03-31T11:57:30Z"}),
            {},
            "roll-ups are not recorded yet: their rules run by 12:03 UTC.",
        ),
        (None, {}, "because recorded roll-ups do not reach back as far"),
        (rules({"name": LEVEL}), {"now": False}, "because recorded roll-ups do not reach back"),
        (
            rules({"name": LEVEL}),
            {"recorded": NOW - 600},
            "until recorded roll-ups, which begin 2026-03-31 11:50 UTC, reach back far enough.",
        ),
        (rules({"name": LEVEL, "lastEvaluation": "soon"}), {}, "their rules run by 12:05 UTC."),
    ],
)
def test_why_raw_series_are_read(answer: object, of_history: dict[str, Any], said: str) -> None:
    """Nobody is asked to load rules that are loaded."""
    (found,) = [
        each
        for each in missing(Says(rules=answer), history(**of_history), COUNTED)
        if "raw series" in each
    ]
    assert said in found
    assert ("load them" in found) == ("has not loaded" in said)


@pytest.mark.parametrize(
    ("value", "mean", "p95"),
    [
        (None, "–", "–"),
        (0.0, "under 1 ms", "under 100 ms"),
        (0.02, "under 1 ms", "under 100 ms"),
        (95.0, "95 ms", "under 100 ms"),
        (100.0, "100 ms", "under 100 ms"),
        (238.0, "238 ms", "238 ms"),
        (1_900.0, "1.9 s", "1.9 s"),
        (299_000.0, "5.0 min", "5.0 min"),
        (300_000.0, "5.0 min", "5.0 min or more"),
    ],
)
def test_no_time_is_finer_than_it_is_known(value: float | None, mean: str, p95: str) -> None:
    """A mean is never 0 ms, and a quantile is not told finer than its first and last bucket."""
    assert (text.milliseconds(value), text.quantile(value)) == (mean, p95)
