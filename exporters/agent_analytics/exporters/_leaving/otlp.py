"""Where spans are exported to, by the standard OTLP exporters."""

import importlib
import logging
import os
from dataclasses import dataclass
from typing import Final, Literal

from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

from agent_analytics.exporters._leaving.redaction import Leaving, Policy
from agent_analytics.processor.addresses import parts_of, shown

_logger = logging.getLogger("agent_analytics")

Protocol = Literal["grpc", "http/protobuf"]

_TRACES_PATH: Final = "/v1/traces"
_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_INSECURE: Final = ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "OTEL_EXPORTER_OTLP_INSECURE")
#: Schemes of addresses that gRPC resolves itself.
_OF_GRPC: Final = frozenset(
    {"dns", "ipv4", "ipv6", "passthrough", "unix", "unix-abstract", "vsock", "xds"}
)
#: Imported when used: gRPC takes longer to import than all the rest of this package.
_MODULES: Final[dict[Protocol, str]] = {
    "grpc": "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
    "http/protobuf": "opentelemetry.exporter.otlp.proto.http.trace_exporter",
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OTLP receiver.

    Attributes:
        protocol: How it is spoken to.
        url: The exporter's endpoint; None leaves it to the exporter's own environment variables.
    """

    protocol: Protocol
    url: str | None

    def processor(self, policy: Policy) -> BatchSpanProcessor:
        """Return a running processor that exports sampled spans to this receiver.

        Args:
            policy: What of them may leave.
        """
        module = importlib.import_module(_MODULES[self.protocol])
        exporter: SpanExporter = module.OTLPSpanExporter(endpoint=self.url)
        return BatchSpanProcessor(Leaving(exporter, policy))


def protocol_from(argument: str | None) -> Protocol:
    """Return the protocol to use, by default gRPC.

    Raises:
        ValueError: It is none that the exporters speak.
    """
    value, name = argument, "otlp_protocol"
    for variable in _PROTOCOLS if argument is None else ():
        value = os.environ.get(variable, "").strip().lower()
        if value:
            name = variable
            break
    value = value or "grpc"
    if value not in _MODULES:
        msg = f"{name}: expected one of {', '.join(_MODULES)}, got {value!r}"
        raise ValueError(msg)
    return value


def endpoint_from(argument: str | None, protocol: Protocol, *, given: bool) -> Endpoint | None:
    """Return the receiver that an argument or the environment names, or None.

    Args:
        argument: Base URL of the receiver, without the path of a signal.
        protocol: How it is spoken to.
        given: Whether there was an argument, so that the environment does not count.

    Raises:
        ValueError: ``argument`` is no URL.
    """
    if not given:
        return Endpoint(protocol, None) if _wanted_by_environment() else None
    if argument is None:
        return None
    parts = parts_of(argument)
    if parts is None:
        msg = (
            "otlp_endpoint: expected http://host:port or https://host:port, got "
            f"{shown(argument)!r}"
        )
        raise ValueError(msg)
    if protocol == "grpc" or parts.path.endswith(_TRACES_PATH):
        return Endpoint(protocol, argument)
    return Endpoint(protocol, argument.rstrip("/") + _TRACES_PATH)


def wrong_endpoint(protocol: Protocol) -> str:
    """Return what is wrong with the endpoint that the environment names; empty for nothing.

    The exporters take anything, and then export nothing: over HTTP each export fails, over gRPC
    TLS is spoken to whoever is named without ``http://``.
    """
    variable = next((each for each in _ENDPOINTS if os.environ.get(each, "").strip()), "")
    if not variable:
        return ""
    value = os.environ[variable].strip()
    scheme = value.partition(":")[0].strip().lower()
    given = f"got {shown(value)!r}"
    expected = f"{variable}: expected http://host:port or https://host:port"
    if scheme in {"http", "https"}:
        return f"{expected}, {given}" if parts_of(value) is None else ""
    if protocol == "grpc" and scheme in _OF_GRPC:
        return ""
    if protocol == "grpc" and "://" not in value:
        if any(os.environ.get(name, "").strip() for name in _INSECURE):
            return ""
        return (
            f"{expected}, {given}: without http:// it is spoken to over TLS, "
            "which a plain receiver does not understand"
        )
    return f"{expected}, {given}"


def _wanted_by_environment() -> bool:
    names = os.environ.get("OTEL_TRACES_EXPORTER", "").replace(" ", "").lower().split(",")
    if "none" in names:
        return False
    others = [name for name in names if name not in {"", "otlp"}]
    if others:
        _logger.warning(
            "OTEL_TRACES_EXPORTER: %s is not set up by configure(), only otlp is; add its span "
            "processor to runtime.provider",
            ", ".join(others),
        )
    if "otlp" in names:
        return True
    return not others and any(os.environ.get(variable, "").strip() for variable in _ENDPOINTS)
