"""Whether Prometheus scrapes what it should, as it should."""

import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from agent_analytics.cli._doctor.examination import Examination
from agent_analytics.cli._doctor.http import Server
from agent_analytics.cli._doctor.prometheus.failed_scrapes import scrape_remedy
from agent_analytics.insights.config import JOB, SKETCH_JOB, SKETCHES_PATH
from agent_analytics.processor import catalogue

_WRITE: Final = "`agent-analytics config --target HOST:PORT --output DIR` writes prometheus.yml"
_PAST: Final = "1h"
#: On-call looks at one minute, and needs two scrapes in it.
_SLOWEST_SCRAPE: Final = 30.0
#: What Prometheus says where the credential of the sketches is missing or wrong.
_REFUSED: Final = ("401 Unauthorized", "403 Forbidden")
_CREDENTIAL: Final = (
    "Let the job send the token that the service has in AGENT_ANALYTICS_SKETCHES_TOKEN, by "
    "authorization: credentials_file; `agent-analytics config --sketches-token-file FILE` writes "
    "it. A service without one serves sketches off its machine when "
    "AGENT_ANALYTICS_TENANT_KEY is set; `agent-analytics key` prints a value for either."
)
#: What is scraped more seldom is not there for an instant query.
_SLOWEST_SKETCHES: Final = 300.0
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Target:
    """One target of Prometheus.

    Attributes:
        job: Its label ``job``; so ``instance``.
        url: What is scraped, without a query.
        health: ``up``, ``down`` or ``unknown``.
        error: Why it is down.
        interval: Seconds between two scrapes; 0 where that is not shown.
    """

    job: str
    instance: str
    url: str
    health: str
    error: str
    interval: float

    @property
    def sketches(self) -> bool:
        """Whether the sketches are scraped there."""
        return self.url.endswith(SKETCHES_PATH)

    @property
    def metrics_url(self) -> str:
        """Address of ``/metrics`` beside what is scraped."""
        return self.url[: -len("/sketches")] if self.sketches else self.url


def check_targets(
    examination: Examination, server: Server, service: str | None, hold: float | None
) -> None:
    """Check the targets of a Prometheus.

    Args:
        examination: Takes what is found.
        server: Prometheus.
        service: Address of the service's ``/metrics``, where it is known.
        hold: How long newborn series show 0, in seconds, where that is known.

    Raises:
        NoAnswerError: It does not answer what it is asked.
    """
    every = [_target(each) for each in server.ask("/api/v1/targets?state=active")["activeTargets"]]
    name = catalogue.SPANS.name
    fresh = _pairs(server.query(f"count by (job, instance) ({name})"))
    past = _pairs(server.query(f"count by (job, instance) (last_over_time({name}[{_PAST}]))"))
    ours = [each for each in every if _is_ours(each, past, service)]
    if not ours:
        down = [each for each in every if each.health == "down"]
        examination.find(
            f"{server.url} has no series of agent-analytics: it does not scrape the service.",
            f"{_WRITE}, with the job {JOB}.",
        )
        _down(examination, down, ())
        return
    main = [each for each in ours if not each.sketches]
    _down(examination, [each for each in ours if each.health == "down"], ours)
    for each in ours:
        if each.health not in {"up", "down"}:
            examination.leave(f"the target {each.url}, which has not been scraped yet")
    _empty(examination, main, fresh)
    _jobs(examination, main)
    _sketches(examination, ours)
    _twice(examination, ours)
    alone = len(main) == 1
    # One service says how long it holds: of the others that is not known.
    held = [each for each in main if alone or (service and _place(each.url) == _place(service))]
    check_intervals(examination, main)
    check_hold(examination, held, hold)


def _target(found: Mapping[str, Any]) -> Target:
    labels = found["labels"]
    scraped: str = found["scrapeUrl"]
    url = urllib.parse.urlsplit(scraped)
    return Target(
        job=labels.get("job", ""),
        instance=labels.get("instance", ""),
        url=url._replace(query="").geturl().rstrip("/"),
        health=found["health"],
        error=found.get("lastError", ""),
        interval=seconds(found.get("scrapeInterval", "")),
    )


def _pairs(found: Iterable[Mapping[str, Any]]) -> set[tuple[str, str]]:
    labels = [each["metric"] for each in found]
    return {(each.get("job", ""), each.get("instance", "")) for each in labels}


def _is_ours(target: Target, past: set[tuple[str, str]], service: str | None) -> bool:
    return (
        target.job in {JOB, SKETCH_JOB}
        or (target.job, target.instance) in past
        or target.sketches
        or (service is not None and _place(target.url) == _place(service))
    )


def _place(url: str) -> tuple[str, int | None]:
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or ""
    return "127.0.0.1" if host in _LOCAL else host, parts.port


def _down(examination: Examination, down: Iterable[Target], known: Iterable[Target]) -> None:
    up = {_key(each) for each in known if each.health == "up" and not each.sketches}
    for each in down:
        # Where the metrics can be read with what the sketches are refused, these want their own.
        own = each.sketches and _key(each) in up and any(sign in each.error for sign in _REFUSED)
        examination.find(
            f"The target {each.url} of job {each.job!r} is down: {each.error or 'no answer'}.",
            _CREDENTIAL if own else scrape_remedy(each.error, sketches=each.sketches),
        )


def _empty(examination: Examination, main: Iterable[Target], fresh: set[tuple[str, str]]) -> None:
    for each in main:
        if each.health == "up" and (each.job, each.instance) not in fresh:
            examination.find(
                f"The target {each.url} of job {each.job!r} answers and has nothing of "
                "agent-analytics.",
                "Correct its port or metrics_path in prometheus.yml: something else serves there; "
                "and let no metric_relabel_configs drop agent_analytics_*.",
            )


def _jobs(examination: Examination, main: Iterable[Target]) -> None:
    for job in sorted({each.job for each in main} - {JOB}):
        examination.find(
            f"The metrics are scraped by job {job!r}, and the rules that page when telemetry is "
            f"absent know the job {JOB!r} alone.",
            f"Set job_name: {JOB} in prometheus.yml; a label service tells services apart.",
        )


def _sketches(examination: Examination, ours: list[Target]) -> None:
    there = {_key(each) for each in ours if each.sketches}
    lacking = sorted(
        {each.metrics_url for each in ours if not each.sketches and _key(each) not in there}
    )
    if lacking:
        examination.find(
            f"The sketches of {_listed(lacking)} are not scraped: unique tenants, retention and "
            "what is drawn from them are not known.",
            f"Add a second job {SKETCH_JOB} to prometheus.yml with metrics_path: {SKETCHES_PATH}, "
            f"scrape_interval: 5m and the same targets; {_WRITE} with both.",
        )
    for each in ours:
        if each.sketches and each.interval > _SLOWEST_SKETCHES:
            examination.find(
                f"{each.url} is scraped every {each.interval:g} s: what is older than five minutes "
                "is not seen by the rules.",
                f"Set scrape_interval: 5m for the job {each.job}.",
            )


def _key(target: Target) -> tuple[tuple[str, int | None], str]:
    return _place(target.url), urllib.parse.urlsplit(target.metrics_url).path


def _twice(examination: Examination, ours: Iterable[Target]) -> None:
    jobs: dict[tuple[Any, bool], list[str]] = {}
    for each in ours:
        jobs.setdefault((_key(each), each.sketches), []).append(f"{each.job} ({each.instance})")
    for (((host, port), path), _), by in jobs.items():
        if len(by) > 1:
            examination.find(
                f"http://{host}:{port}{path} is scraped {len(by)} times, by {_listed(by)}: every "
                "figure of it is doubled.",
                "Keep one target in prometheus.yml; workers that share a state directory are one.",
            )


def check_hold(examination: Examination, main: Iterable[Target], hold: float | None) -> None:
    """Compare how often targets are scraped with how long they hold newborn series.

    Args:
        examination: Takes what is found.
        main: The targets of whose hold it is.
        hold: How long newborn series show 0, in seconds; None where that is not known.
    """
    for each in main:
        if hold and each.interval > hold:
            examination.find(
                f"{each.url} is scraped every {each.interval:g} s and newborn series are held for "
                f"{hold:g} s: the first events of a listing are lost.",
                f"Set AGENT_ANALYTICS_HOLD_SECONDS to two intervals, {2 * each.interval:g}, or "
                "scrape_interval: 5s.",
            )


def check_intervals(examination: Examination, main: Iterable[Target]) -> None:
    """Compare how often targets are scraped with what the rules need."""
    for each in main:
        if each.interval > _SLOWEST_SCRAPE:
            examination.find(
                f"{each.url} is scraped every {each.interval:g} s: on-call looks at one minute, "
                "and there are no two scrapes in it, so no alert for on-call fires.",
                f"Set scrape_interval: 5s for the job {each.job}.",
            )


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown  # noqa: PLR2004 - the same


def seconds(duration: str) -> float:
    """Return the seconds of a duration of Prometheus, such as ``1m30s``; 0 where it is none."""
    return sum(_parts(duration))


def _parts(duration: str) -> Iterator[float]:
    scale = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_536_000}
    digits = unit = ""
    for letter in [*duration, "0"]:
        if letter.isdigit() and unit:
            yield float(digits or 0) * scale.get(unit, 0)
            digits = unit = ""
        if letter.isdigit():
            digits += letter
        else:
            unit += letter
