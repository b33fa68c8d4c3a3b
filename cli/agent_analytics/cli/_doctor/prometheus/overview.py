"""What Prometheus scrapes and evaluates of what was set up for it."""

import time
from collections.abc import Callable  # noqa: TC003 - a name that is used where it runs
from typing import Final

from agent_analytics.cli._doctor.advice import UNAUTHORISED, advice
from agent_analytics.cli._doctor.examination import Examination
from agent_analytics.cli._doctor.http import NoAnswerError, Server
from agent_analytics.cli._doctor.prometheus.rules import check_rules
from agent_analytics.cli._doctor.prometheus.targets import check_targets
from agent_analytics.cli._doctor.service.overview import check_clock

_ELSEWHERE: Final = (
    "Start Prometheus, or give its address with --prometheus or AGENT_ANALYTICS_PROMETHEUS."
)
#: What Prometheus adds to the address of an Alertmanager.
_ALERTS: Final = "/api/v2/alerts"
_HEADER: Final = "AGENT_ANALYTICS_PROMETHEUS_AUTHORIZATION is sent as the header Authorization."


def check_prometheus(
    examination: Examination,
    address: str,
    *,
    authorization: str,
    service: str | None,
    hold: float | None,
    asked: bool,
) -> None:
    """Check what a Prometheus knows of the service and of the rules.

    Args:
        examination: Takes what is found.
        address: Of Prometheus.
        authorization: Value of the header Authorization; empty for none.
        service: Address of the service's ``/metrics``, where it is known.
        hold: How long newborn series show 0, in seconds, where that is known.
        asked: Whether the address was given; else it is where Prometheus serves by default.
    """
    try:
        server = Server(address, authorization)
    except ValueError as error:
        examination.find(f"--prometheus: {error}.", "Give an address such as http://host:9090.")
        return
    begun = time.time()
    try:
        now = float(server.ask("/api/v1/query?query=time()")["result"][1])
    except NoAnswerError as error:
        if not asked and error.nobody:
            examination.leave(
                f"Prometheus: nothing answers at {address}; --prometheus or "
                "AGENT_ANALYTICS_PROMETHEUS names its address"
            )
            return
        _no_prometheus(examination, address, str(error), _remedy(error, server.url))
        return
    except (KeyError, IndexError, TypeError, ValueError):
        _no_prometheus(examination, address, "it is no Prometheus", _ELSEWHERE)
        return
    examination.look(f"Prometheus at {server.url}: its clock, targets and rules")
    check_clock(examination, "Prometheus", now, begun)
    parts: dict[str, Callable[[], None]] = {
        "targets": lambda: check_targets(examination, server, service, hold),
        "rules": lambda: check_rules(examination, server, now),
        "Alertmanager": lambda: _alertmanagers(examination, server),
    }
    for what, check in parts.items():
        try:
            check()
        except (NoAnswerError, KeyError, TypeError, ValueError) as error:
            examination.leave(f"the {what} of Prometheus: {server.url} does not show them: {error}")


def _remedy(error: NoAnswerError, url: str) -> str:
    said = advice(error, url, "--prometheus", _ELSEWHERE)
    if error.status in UNAUTHORISED:
        return f"{said} {_HEADER}"
    return said


def _no_prometheus(examination: Examination, address: str, why: str, remedy: str) -> None:
    examination.look(f"Prometheus at {address}")
    examination.find(f"{address} does not answer as Prometheus does: {why}.", remedy)


def _alertmanagers(examination: Examination, server: Server) -> None:
    known = server.ask("/api/v1/alertmanagers")["activeAlertmanagers"]
    if not known:
        examination.note(
            "Prometheus knows no Alertmanager, so nobody is paged and no publisher is sent "
            "anything.",
            "`agent-analytics config` writes alertmanager.yml, and prometheus.yml that names it.",
        )
    for each in known:
        # Prometheus lists the addresses that it was given, whether or not anything answers there.
        address = str(each["url"]).removesuffix(_ALERTS)
        try:
            Server(address).get("/-/ready")
        except (NoAnswerError, ValueError) as error:
            examination.leave(
                f"Alertmanager at {address}, which Prometheus sends alerts to: it does not answer "
                f"here ({error}). Where it does not run, nobody is paged"
            )
        else:
            examination.look(f"Alertmanager at {address}: it is ready")
