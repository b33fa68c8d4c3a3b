"""Whether the settings of an environment can be used, and are used."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from agent_analytics.cli._doctor.examination import Examination
from agent_analytics.cli._loading import UNREADABLE
from agent_analytics.exporters import checks

_DOCS: Final = "docs/configuration.md"
_VARIABLE: Final = re.compile(r"\b(?:AGENT_ANALYTICS|OTEL)_[A-Z_]+[A-Z]\b")
#: What to set a variable to, by example.
_EXAMPLES: Final = {
    "AGENT_ANALYTICS_METRICS_PORT": "9464, 0 for any free port, or none for no server",
    "AGENT_ANALYTICS_METRICS_HOST": "an address of this machine, or 0.0.0.0 for every interface",
    "AGENT_ANALYTICS_HOLD_SECONDS": "30, or to two scrape intervals",
    "AGENT_ANALYTICS_EXPIRE_SECONDS": "604800 for a week, or leave it out for never",
    "AGENT_ANALYTICS_EXPORT_ATTRIBUTES": "names of attributes with commas between them, or *",
    "AGENT_ANALYTICS_TAKE_RATE": "0.2 for 20 %, or to a share for each publisher",
    "AGENT_ANALYTICS_PRICES": "the path of a table of prices (docs/costs.md), or to none",
    "AGENT_ANALYTICS_PROPAGATE_IDENTITY": "true or false",
    "AGENT_ANALYTICS_TRUST_INCOMING_BAGGAGE": "true or false",
    "AGENT_ANALYTICS_INSTRUMENT": "true, false, or names with commas between them",
    "AGENT_ANALYTICS_NOT_ERRORS": "names of exceptions with commas between them",
    "AGENT_ANALYTICS_WEB_CONFIG": "the path of a web configuration file, or leave it out",
    "AGENT_ANALYTICS_PUBLISHER_ID": "an id of 1 to 200 printable characters",
    "AGENT_ANALYTICS_AGENT_ID": "an id of 1 to 200 printable characters",
    "OTEL_RESOURCE_ATTRIBUTES": "key=value, with commas between several",
    "OTEL_TRACES_SAMPLER": "parentbased_always_on, or parentbased_traceidratio with an _ARG",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://host:4317 for gRPC, or https:// where it has TLS",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://host:4317 for gRPC, or https:// with TLS",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc or http/protobuf",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc or http/protobuf",
}
#: Variables that name a file.
_PATHS: Final = frozenset({"AGENT_ANALYTICS_PRICES", "AGENT_ANALYTICS_WEB_CONFIG"})
_GRPC_PORT: Final = 4317
_HTTP_PORT: Final = 4318


def check_settings(examination: Examination, environment: Mapping[str, str]) -> None:
    """Check every setting as ``configure()`` does, and what it cannot know is wrong."""
    names = sorted(
        {*UNREADABLE, *(each for each in environment if each.startswith(checks.PREFIXES))}
    )
    examination.look(
        "the settings of this environment, as configure() reads them: "
        + (", ".join(names) if names else "none is set, so all have their defaults")
    )
    for name, why in UNREADABLE.items():
        examination.find(
            _sentence(f"{name}: a program with this setting ends as it loads OpenTelemetry: {why}"),
            f"Correct {name} or leave it out ({_DOCS}).",
        )
    for refusal in checks.refusals():
        _refused(examination, refusal, environment)
    for name, meant in checks.misspelt(environment):
        examination.find(
            f"{name} is set and nothing reads it.",
            f"Set {meant} instead: that is the nearest name."
            if meant
            else f"Take it out; {_DOCS} lists the settings.",
        )
    _port_of_protocol(examination, environment)


def _refused(
    examination: Examination, refusal: checks.Refusal, environment: Mapping[str, str]
) -> None:
    named = _VARIABLE.search(refusal.message)
    variable = named.group() if named else refusal.variable
    said = refusal.message if named else f"{variable}: {refusal.message}"
    if refusal.unreadable:
        examination.leave(
            f"{said}: this user may not read it. Run this command as the user that the service "
            "runs as"
        )
        return
    path = environment.get(variable, "").strip() if variable in _PATHS else ""
    if path and not Path(path).is_absolute() and not Path(path).exists():
        examination.leave(
            f"{said}: a path without a / in front begins in the working directory of the service. "
            "Run this command there, or set the whole path"
        )
        return
    example = _EXAMPLES.get(variable)
    if refusal.missing:
        remedy = (
            f"Install it where the service runs; this is {sys.prefix} (docs/install.md says how to "
            "install while there is no release)."
        )
    elif example:
        remedy = f"Set {variable} to {example} ({_DOCS})."
    else:
        remedy = f"Correct {variable} or leave it out ({_DOCS})."
    examination.find(_sentence(said), remedy)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _port_of_protocol(examination: Examination, environment: Mapping[str, str]) -> None:
    """Find the port of one protocol of OTLP named for the other."""
    for of in ("TRACES_", ""):
        name = f"OTEL_EXPORTER_OTLP_{of}ENDPOINT"
        endpoint = environment.get(name, "").strip()
        if endpoint:
            break
    else:
        return
    protocol = next(
        (
            value
            for of in ("TRACES_", "")
            if (value := environment.get(f"OTEL_EXPORTER_OTLP_{of}PROTOCOL", "").strip().lower())
        ),
        "grpc",
    )
    try:
        port = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}").port
    except ValueError:
        return  # it is no port, which is said above
    other = {"grpc": (_HTTP_PORT, "http/protobuf"), "http/protobuf": (_GRPC_PORT, "grpc")}
    wrong, fitting = other.get(protocol, (0, ""))
    if port == wrong:
        examination.find(
            f"{name} names port {port}, which is that of {fitting}, and {protocol} is spoken.",
            f"Set OTEL_EXPORTER_OTLP_PROTOCOL to {fitting}, or name the port of {protocol}.",
        )
