"""Whether anything is heard at all: where not, the other insights are blind.

A single target that is down is no page: a deployment replaces targets one after the other, and one
of many may flap. A *service* that is gone is one, and so are many of its targets. A service is what
the label ``service`` of the scrape configuration names, or else the job.
"""

import re
from typing import Final

from agent_analytics.insights._definitions.spec.asking import WEEK
from agent_analytics.insights._definitions.spec.model import Question, Spec, Threshold
from agent_analytics.insights._definitions.spec.texts import DURATION, WHO, value
from agent_analytics.insights._promql import now, quantities, rollups, scopes
from agent_analytics.insights._promql.windows import HourAgo, Levels

#: For how long a service has to be gone before on-call is paged: longer than a restart takes.
ABSENCE: Final = "2m"
#: Seconds without a span of any agent after which telemetry is stale.
STALE_SECONDS: Final = 900
#: Invocations that the past leads to expect in the time without any: the last day of an endpoint,
#: the last week of a listing.
_MISSED: Final = 25
_DAY_SECONDS: Final = 86_400
#: How many targets of a service are many, where more than one is down.
_MANY: Final = 0.5
_FEWEST_OF_MANY: Final = 2
#: For how long a service that service discovery has dropped is remembered.
_REMEMBERED: Final = "1h"
_JOB: Final = f'job="{scopes.JOB}"'
_UP: Final = f"up{{{_JOB}}}"
_OF_JOB: Final = scopes.Scope(("job", "instance"), (_JOB,))
_AGE: Final = now.data_age(_OF_JOB)
#: What the last day leads to expect of an endpoint in the time without a span.
_EXPECTED: Final = (
    f"{_AGE} * {Levels('1d').grown(rollups.EVERY_INVOCATION, _OF_JOB)} / {_DAY_SECONDS}"
)
#: What ended there in the same hour a week ago, else a day ago: a night, or a day off.
_AS_QUIET: Final = "({} or {})".format(
    *(HourAgo(ago).grown(rollups.EVERY_INVOCATION, _OF_JOB) for ago in (168, 24))
)
_PAGES: Final = frozenset({"no_target", "service_down", "service_gone", "many_down"})
#: Not asked every few seconds: these wait for a quarter of an hour.
_PATIENT: Final = frozenset({"stale", "no_spans"})
_DURATION: Final = re.compile(r"(?:\d+(?:ms|[smhdwy]))+")


def _by_service(range_: str = "") -> str:
    """Return whether each target is up, with the label ``service``."""
    named, unnamed = (
        f'up{{{_JOB}, service{sign}""}}'
        if not range_
        else f'last_over_time(up{{{_JOB}, service{sign}""}}[{range_}])'
        for sign in ("!=", "=")
    )
    return f'({named} or label_replace({unnamed}, "service", "$1", "job", "(.*)"))'


_SERVICES: Final = _by_service()
_SERVICE: Final = "(job, service)"
_DOWN: Final = f"count by {_SERVICE} ({_SERVICES} == 0)"


def _page(cause: str, expr: str, hold: str, title: str, description: str) -> Question:
    return Question(
        audience="oncall",
        cause=cause,
        alert="TelemetryAbsent",
        severity="critical" if cause in _PAGES else "warning",
        measure=expr,
        fast=cause not in _PATIENT,
        hold=hold,
        keep="30s",
        title=title,
        description=description,
        recommendation=(
            "Nothing can be said about the agents until this is mended: check that the"
            " process runs, that Prometheus reaches its port, and that spans are recorded."
        ),
    )


def _pages(absence: str) -> tuple[Question, ...]:
    if not _DURATION.fullmatch(absence):
        msg = f"absence: expected a duration of Prometheus such as 2m, got {absence!r}"
        raise ValueError(msg)
    return (
        _page(
            "service_down",
            f"max by {_SERVICE} ({_SERVICES}) == 0",
            absence,
            "No target of a service answers",
            "Prometheus can scrape no target of service {{ $labels.service }}.",
        ),
        _page(
            "many_down",
            f"({_DOWN} / count by {_SERVICE} ({_SERVICES}) >= {_MANY}) < 1\n"
            f"and {_DOWN} >= {_FEWEST_OF_MANY}",
            absence,
            "Many targets of a service do not answer",
            "{{ $value | humanizePercentage }} of the targets of service {{ $labels.service }}"
            " cannot be scraped.",
        ),
        _page(
            "service_gone",
            f"group by {_SERVICE} ({_by_service(_REMEMBERED)})\n"
            f"unless group by {_SERVICE} ({_SERVICES})",
            absence,
            "A service has no target any more",
            "Service {{ $labels.service }} was scraped within the last hour and has no target now.",
        ),
        _page(
            "no_target",
            f"absent({_UP})",
            absence,
            "Prometheus scrapes no metrics endpoint",
            "Job {{ $labels.job }} has no target at all.",
        ),
        _page(
            "target_down",
            f"{_SERVICES} == 0",
            "1m",
            "A metrics endpoint does not answer",
            "Prometheus cannot scrape {{ $labels.instance }} of service {{ $labels.service }}.",
        ),
        _page(
            "stale",
            "\n".join(
                (
                    f"{_AGE} > {STALE_SECONDS}",
                    f"and on (job, instance) {_UP} == 1",
                    # Where neither is known, a quarter of an hour is enough.
                    f"unless on (job, instance) {_EXPECTED} < {_MISSED}",
                    f"unless on (job, instance) {_AS_QUIET} == 0",
                )
            ),
            "30s",
            "No span of an agent for a quarter of an hour",
            "The last span at {{ $labels.instance }} ended {{ $value | humanizeDuration }} ago,"
            " although the endpoint answers.",
        ),
        _page(
            "no_spans",
            f"{_UP} == 1\nunless on (job, instance) {now.data_age(_OF_JOB)}",
            "15m",
            "A metrics endpoint has never seen a span of an agent",
            "{{ $labels.instance }} answers, and no span of an agent has ended there.",
        ),
    )


_STALE_SECONDS: Final = 3600
_WEEK_SECONDS: Final = 7 * 86_400


def _without(traffic: str, seconds: str, cause: str) -> Question:
    expected = f"{quantities.invocations(WEEK)} * {seconds} / {_WEEK_SECONDS}"
    return Question(
        audience="publisher",
        traffic=traffic,
        measure=seconds,
        threshold=Threshold(comparison=">", value=_STALE_SECONDS),
        conditions=(f"and {expected} >= {_MISSED}",),
        numbers={"cause": cause},
    )


def telemetry(absence: str = ABSENCE) -> Spec:
    """Return the insight that what is known is old, of services for on-call, of listings else.

    Args:
        absence: For how long a service has to be gone before on-call is paged, such as ``2m``.

    Raises:
        ValueError: ``absence`` is no duration of Prometheus.
    """
    return Spec(
        slug="telemetry-absent",
        alert="AgentTelemetryStale",
        severity="warning",
        category="integration",
        title="No telemetry arrives",
        what="seconds of silence",
        when="a listing is not scraped, or silent for longer than chance",
        description=(
            f"Nothing has been heard of {WHO} for {value(DURATION)}: {{cause}}. What is told of it"
            " is as old."
        ),
        recommendation=(
            "Check that the process runs and its port is reachable, and that spans are recorded: a"
            " deployment may have left the instrumentation out."
        ),
        first_look=(
            (
                'time() - max(timestamp(marketplace_agent_invocations_total{publisher_id="P", '
                'agent_id="A"}))'
            ),
            (
                'sum by (instance) (marketplace_agent_invocations_total{publisher_id="P", '
                'agent_id="A"})'
            ),
        ),
        questions=(
            *_pages(absence),
            _without("gone", now.unseen_seconds(), "its process is no longer scraped"),
            _without(
                "silent",
                now.silent_seconds(),
                "its process answers, and no span ends there",
            ),
        ),
    )


TELEMETRY: Final = telemetry()
