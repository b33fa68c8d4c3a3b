"""Reads the command line, has everything checked and prints what was found."""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from agent_analytics.cli._command import Commands
from agent_analytics.cli._doctor.examination import Examination, Problem
from agent_analytics.cli._doctor.prometheus.overview import check_prometheus
from agent_analytics.cli._doctor.secrets import concealer
from agent_analytics.cli._doctor.service.in_use import InUse, check_in_use
from agent_analytics.cli._doctor.service.overview import check_service
from agent_analytics.cli._doctor.service.state_directory import check_state
from agent_analytics.cli._doctor.settings import check_settings
from agent_analytics.exporters import checks
from agent_analytics.processor import core_in_use

_PROMETHEUS: Final = "AGENT_ANALYTICS_PROMETHEUS"
_AUTHORIZATION: Final = "AGENT_ANALYTICS_PROMETHEUS_AUTHORIZATION"
_PORT: Final = "AGENT_ANALYTICS_METRICS_PORT"
_HOLD: Final = "AGENT_ANALYTICS_HOLD_SECONDS"
_STATE_DIR: Final = "AGENT_ANALYTICS_STATE_DIR"
_LOCAL_PROMETHEUS: Final = "http://localhost:9090"
#: What stands for an address that is not to be asked.
_NONE: Final = "none"
_DESCRIPTION: Final = """\
Says what is wrong with a set-up, and what to set. The settings of this environment are
read as configure() reads them, and the state directory that they name is looked at; so
are the running service, which says itself what it was set, and Prometheus, where they
answer. Nothing is started or changed, and no password is shown.
"""
_EPILOG: Final = """\
examples:
  agent-analytics doctor                                   everything, where it is by default
  agent-analytics doctor --prometheus http://prom:9090     another Prometheus
  agent-analytics doctor --metrics none --prometheus none  the settings alone

environment:
  AGENT_ANALYTICS_PROMETHEUS                 default of --prometheus
  AGENT_ANALYTICS_PROMETHEUS_AUTHORIZATION   sent as the header Authorization, such as "Bearer …"

exit status:
  0  nothing is wrong in what was checked
  1  something is wrong
  2  the command line is wrong
"""


def add_doctor(commands: Commands) -> None:
    """Add the command ``doctor`` to a command line."""
    parser = commands.add_parser(
        "doctor",
        help="say what is wrong with a set-up, and what to set",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--metrics",
        metavar="URL",
        help="of the running service, such as http://127.0.0.1:9464/metrics, or none (default: by"
        " the settings)",
    )
    parser.add_argument(
        "--prometheus",
        metavar="URL",
        help=f"of Prometheus, or none (default: {_LOCAL_PROMETHEUS})",
    )


def doctor(options: argparse.Namespace) -> int:
    """Run the command ``doctor`` and return its exit status."""
    examination = examine(options.metrics, options.prometheus)
    sys.stdout.write("\n".join(_lines(examination)) + "\n")
    return 1 if examination.problems else 0


def examine(metrics: str | None = None, prometheus: str | None = None) -> Examination:
    """Check the settings in the environment, and what runs with them.

    Args:
        metrics: Address of the service's exposition; None is where the settings have it, ``none``
            looks at none.
        prometheus: Address of the Prometheus that scrapes it; None is the one that
            AGENT_ANALYTICS_PROMETHEUS names, or one on this machine, ``none`` asks none.
    """
    environment = dict(os.environ)
    examination = Examination(concealer({**environment, "": f"{metrics} {prometheus}"}))
    examination.look(f"agent-analytics as it is installed here: {core_in_use()}")
    check_settings(examination, environment)
    service = None if metrics == _NONE else metrics or checks.served_at()
    in_use = InUse()
    if service is None:
        why = "--metrics says so" if metrics == _NONE else "the settings name no port of it"
        examination.leave(f"the running service: {why}")
    else:
        named = bool(environment.get(_PORT, "").strip())
        in_use = check_service(examination, service, asked=metrics is not None, named=named)
    check_in_use(examination, environment, in_use, service)
    _check_state(examination, environment, in_use)
    address = prometheus or environment.get(_PROMETHEUS, "").strip()
    if address == _NONE:
        examination.leave("Prometheus: --prometheus says so")
    else:
        check_prometheus(
            examination,
            address or _LOCAL_PROMETHEUS,
            authorization=environment.get(_AUTHORIZATION, "").strip(),
            service=service,
            hold=hold_of(environment, in_use),
            asked=bool(address),
        )
    return examination


def _check_state(examination: Examination, environment: Mapping[str, str], in_use: InUse) -> None:
    state = environment.get(_STATE_DIR, "").strip()
    if state:
        name = in_use.service_name
        service = environment.get("OTEL_SERVICE_NAME", "") if name is None else name
        check_state(examination, Path(state), service)
    elif in_use.state_dir:
        examination.leave(
            f"the state directory of the service: {_STATE_DIR} does not name it here; run this "
            "command with the variable set to it"
        )


def hold_of(environment: Mapping[str, str], in_use: InUse) -> float | None:
    """Return how long newborn series show 0; None where only the service knows, and is silent."""
    if in_use.hold_seconds is not None:
        return in_use.hold_seconds
    return checks.hold_seconds() if environment.get(_HOLD, "").strip() else None


def _lines(examination: Examination) -> Iterator[str]:
    yield "Checked:"
    yield from (f"  - {each}" for each in examination.checked)
    if examination.unchecked:
        yield "Not checked:"
        yield from (f"  - {each}" for each in examination.unchecked)
    yield ""
    if examination.problems:
        count = len(examination.problems)
        yield f"Wrong ({count}), each with what to set or do:"
        yield from _numbered(examination.problems)
    else:
        yield "Nothing is wrong in what was checked."
    if examination.notes:
        yield ""
        yield "Worth knowing:"
        yield from _numbered(examination.notes)


def _numbered(problems: list[Problem]) -> Iterator[str]:
    for number, problem in enumerate(problems, 1):
        yield f"  {number}. {problem.wrong}"
        if problem.remedy:
            yield f"     -> {problem.remedy}"
