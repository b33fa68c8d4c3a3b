"""What a running service says of its own settings, and what is judged by that.

A variable that is not set here may be set for the service, or ``configure()`` may be given the
argument: what is absent is judged by the service's word alone.
"""

import json
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from agent_analytics.cli._doctor.examination import Examination
from agent_analytics.cli._doctor.http import NoAnswerError, Server
from agent_analytics.exporters.checks import PREFIXES

_TENANT_KEY: Final = "AGENT_ANALYTICS_TENANT_KEY"
_STATE_DIR: Final = "AGENT_ANALYTICS_STATE_DIR"
_DISABLED: Final = "OTEL_SDK_DISABLED"
_SECRET: Final = (
    f"Set {_TENANT_KEY} to a secret, the same in every process of the marketplace, and keep it: "
    "another key counts every tenant anew. `agent-analytics key` prints one"
)
#: What no service reads, or what each process has of its own.
_NOT_OF_SERVICES: Final = frozenset(
    {
        "AGENT_ANALYTICS_PROCESS_TREE",
        "AGENT_ANALYTICS_PROMETHEUS",
        "AGENT_ANALYTICS_PROMETHEUS_AUTHORIZATION",
        "AGENT_ANALYTICS_RUNBOOKS",
    }
)


@dataclass(frozen=True, slots=True)
class InUse:
    """What a service says of its settings; None is what it does not say.

    Attributes:
        service_name: Its name.
        hold_seconds: How long newborn series show 0.
        tenant_key: Whether a tenant key is set.
        state_dir: Whether a state directory is.
        sdk_disabled: Whether OpenTelemetry is switched off.
        variables: Names of the variables that it was started with.
    """

    service_name: str | None = None
    hold_seconds: float | None = None
    tenant_key: bool | None = None
    state_dir: bool | None = None
    sdk_disabled: bool | None = None
    variables: frozenset[str] | None = None


def ask_settings(server: Server) -> InUse:
    """Return what the service of a ``/metrics`` says of its settings; nothing where it cannot."""
    parts = urllib.parse.urlsplit(server.url)
    base, slash, _ = parts.path.rpartition("/metrics")
    if not slash:
        return InUse()
    root = server.url[: len(server.url) - len(parts.path)]
    try:
        document: object = json.loads(server.elsewhere(f"{root}{base}/-/settings").get().text)
    except (NoAnswerError, ValueError):
        return InUse()
    if not isinstance(document, dict):
        return InUse()
    said = cast("Mapping[str, Any]", document)
    hold, listed = said.get("hold_seconds"), said.get("variables")
    names = cast("list[object]", listed) if isinstance(listed, list) else None
    return InUse(
        service_name=name if isinstance(name := said.get("service_name"), str) else None,
        hold_seconds=float(hold) if isinstance(hold, int | float) else None,
        tenant_key=_switch(said, "tenant_key"),
        state_dir=_switch(said, "state_dir"),
        sdk_disabled=_switch(said, "sdk_disabled"),
        variables=None if names is None else frozenset(x for x in names if isinstance(x, str)),
    )


def _switch(said: Mapping[str, Any], name: str) -> bool | None:
    value = said.get(name)
    return value if isinstance(value, bool) else None


def check_in_use(
    examination: Examination, environment: Mapping[str, str], in_use: InUse, address: str | None
) -> None:
    """Check what depends on the service, and not on this environment.

    Args:
        examination: Takes what is found.
        environment: Of this command.
        in_use: What the service says.
        address: Where the service was asked; None where it was not.
    """
    given = {name for name, value in environment.items() if value.strip()}
    _check_tenant_key(examination, given, in_use)
    _check_disabled(examination, environment, in_use)
    _check_workers(examination, environment, in_use)
    if in_use.variables is None:
        return
    examination.look(f"the settings of the running service at {address}, as far as it shows them")
    lacking = sorted(_settings(in_use.variables) - given)
    if lacking:
        examination.leave(
            f"the values of {', '.join(lacking)}, which the service was started with and this "
            "environment does not have: run this command with the service's environment"
        )
    more = sorted(_settings(given) - in_use.variables)
    if more:
        examination.note(
            f"The service was started without {', '.join(more)}, which is set here.",
            "Start the service with it, if it is meant for the service.",
        )


def _settings(names: frozenset[str] | set[str]) -> set[str]:
    return {name for name in names if name.startswith(PREFIXES) and name not in _NOT_OF_SERVICES}


def _check_tenant_key(examination: Examination, given: set[str], in_use: InUse) -> None:
    if in_use.tenant_key is False:
        examination.find(
            "The service has no tenant key: whoever sees the registers can test whether a tenant "
            "is among them.",
            f"{_SECRET}; the service's own environment is to have it.",
        )
    elif in_use.tenant_key is None and _TENANT_KEY not in given:
        examination.leave(
            f"the tenant key: {_TENANT_KEY} is not set here, and no service was asked that says "
            "whether it has one. See whether the service's line `metrics on …` at its start ends "
            "with `not set: tenant key`, or name the service with --metrics"
        )


def _check_disabled(
    examination: Examination, environment: Mapping[str, str], in_use: InUse
) -> None:
    disabled = environment.get(_DISABLED, "").strip()
    if in_use.sdk_disabled or (in_use.sdk_disabled is None and disabled.lower() == "true"):
        examination.find(
            f"{_DISABLED} is set: nothing is recorded at all.", f"Take {_DISABLED} out."
        )
    elif disabled and disabled.lower() not in {"true", "false"}:
        examination.find(
            f"{_DISABLED}: expected true or false, got {disabled!r}; nothing is disabled.",
            f"Set {_DISABLED} to true, or take it out.",
        )


def _check_workers(examination: Examination, environment: Mapping[str, str], in_use: InUse) -> None:
    workers = environment.get("WEB_CONCURRENCY", "1").strip()
    if not workers.isdecimal() or int(workers) <= 1 or in_use.state_dir:
        return
    if in_use.state_dir is None and environment.get(_STATE_DIR, "").strip():
        return
    examination.find(
        f"WEB_CONCURRENCY starts {workers} workers and {_STATE_DIR} is not set: each worker counts "
        "for itself, and one of them only can be scraped.",
        f"Set {_STATE_DIR} to a directory of this service (docs/durability.md).",
    )
