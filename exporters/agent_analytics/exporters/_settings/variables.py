"""Names of the variables that settings come from, and what a misspelt one was meant to be."""

import difflib
from collections.abc import Iterable, Iterator
from typing import Final

from opentelemetry import environment_variables as of_api
from opentelemetry.sdk import environment_variables as of_sdk

_PREFIX: Final = "AGENT_ANALYTICS_"
#: What begins the name of a variable that may be a setting.
PREFIXES: Final = (_PREFIX, "OTEL_")
#: Every variable of ours.
OURS: Final = (
    "AGENT_ANALYTICS_AGENT_ID",
    "AGENT_ANALYTICS_EXPIRE_SECONDS",
    "AGENT_ANALYTICS_EXPORT_ATTRIBUTES",
    "AGENT_ANALYTICS_HOLD_SECONDS",
    "AGENT_ANALYTICS_INSTRUMENT",
    "AGENT_ANALYTICS_MAX_EXPOSITION_BYTES",
    "AGENT_ANALYTICS_MAX_SAMPLES",
    "AGENT_ANALYTICS_METRICS_HOST",
    "AGENT_ANALYTICS_METRICS_PORT",
    "AGENT_ANALYTICS_NOT_ERRORS",
    "AGENT_ANALYTICS_PRICES",
    "AGENT_ANALYTICS_PROCESS_TREE",
    "AGENT_ANALYTICS_PROMETHEUS",
    "AGENT_ANALYTICS_PROMETHEUS_AUTHORIZATION",
    "AGENT_ANALYTICS_PUBLISHER_SHARE",
    "AGENT_ANALYTICS_PURE",
    "AGENT_ANALYTICS_RUNBOOKS",
    "AGENT_ANALYTICS_PROPAGATE_IDENTITY",
    "AGENT_ANALYTICS_PUBLISHER_ID",
    "AGENT_ANALYTICS_SKETCHES_TOKEN",
    "AGENT_ANALYTICS_STATE_DIR",
    "AGENT_ANALYTICS_TAKE_RATE",
    "AGENT_ANALYTICS_TENANT_KEY",
    "AGENT_ANALYTICS_TRUST_INCOMING_BAGGAGE",
    "AGENT_ANALYTICS_WEB_CONFIG",
)
#: What people call settings that have a variable of OpenTelemetry.
_STANDARD: Final = {
    "SERVICE_NAME": "OTEL_SERVICE_NAME",
    "OTLP_ENDPOINT": "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTLP_PROTOCOL": "OTEL_EXPORTER_OTLP_PROTOCOL",
    "SAMPLER": "OTEL_TRACES_SAMPLER",
    "DISABLED": "OTEL_SDK_DISABLED",
    "LOG_LEVEL": "OTEL_LOG_LEVEL",
}
_BY_REST: Final = {name.removeprefix(_PREFIX): name for name in OURS} | _STANDARD
_OTEL: Final = frozenset(
    str(value)
    for module in (of_api, of_sdk)
    for name, value in vars(module).items()
    if name.startswith("OTEL_")
) | {"OTEL_EXPORTER_OTLP_INSECURE", "OTEL_EXPORTER_OTLP_TRACES_INSECURE"}
#: How alike names are: of ours anything may be meant, of OpenTelemetry's many are not known here.
_LIKE: Final = 0.6
_VERY_LIKE: Final = 0.9


def misspelt(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield variables that nothing reads, each with the one that was meant; empty for none.

    Args:
        names: Variables that are set.
    """
    for given in sorted(names):
        name = given.upper().replace("-", "_").replace(".", "_")
        if given in OURS or given in _OTEL:
            continue
        if name.startswith("OTEL_"):
            found = difflib.get_close_matches(name, _OTEL, n=1, cutoff=_VERY_LIKE)
            if found and (found[0] != name or given != name):
                yield given, found[0]
        elif _begins_as_ours(name):
            yield given, _meant(name)
        else:
            found = difflib.get_close_matches(name, OURS, n=1, cutoff=_VERY_LIKE)
            if found:
                yield given, found[0]


def _begins_as_ours(name: str) -> bool:
    letters = name.replace("_", "")
    return letters.startswith(("AGENTANALYTICS", "AGENTANALYTIC", "AGENTSANALYTICS"))


def _meant(name: str) -> str:
    if name in OURS:
        return name
    rest = name
    for begin in ("AGENT_ANALYTICS_", "AGENTANALYTICS_", "AGENT_ANALYTIC_", "AGENTS_ANALYTICS_"):
        rest = rest.removeprefix(begin)
    words = set(rest.split("_"))
    found = difflib.get_close_matches(rest, _BY_REST, n=1, cutoff=_LIKE)
    if not found:
        found = [each for each in _BY_REST if words <= set(each.split("_"))]
    if not found:
        found = [each for each in _BY_REST if set(each.split("_")) <= words]
    return _BY_REST[found[0]] if found else ""
