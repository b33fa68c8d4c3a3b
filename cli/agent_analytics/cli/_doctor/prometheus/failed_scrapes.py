"""What Prometheus says of a scrape that failed, and what to do about it.

The words are those of Prometheus 2 and 3 (``scrape/scrape.go``, ``model/textparse``) and of Go's
``net``, ``net/http`` and ``crypto/x509``.
"""

from typing import Final

_YML: Final = "in prometheus.yml"
_STRANGER: Final = (
    "Something else answers there: correct host, port or metrics_path in prometheus.yml. The "
    "service's line `metrics on …` at its start says where it serves."
)
_HOST: Final = "Correct the host's name in prometheus.yml: it is not known there."
_MISNAMED: Final = (
    "Name the target in prometheus.yml as its certificate does, or set server_name under its "
    "tls_config to a name of the certificate; or make a certificate whose subjectAltName has the "
    "target: DNS:name for a name, IP:address for an address."
)
_CLIENT: Final = (
    "Set cert_file and key_file under tls_config in prometheus.yml: the service wants a client's "
    "certificate that its web_config trusts."
)
_HTTPS: Final = "Set scheme: https in prometheus.yml: the service has TLS."
#: The first that fits counts.
_REMEDIES: Final = (
    (
        ("connection refused",),
        (
            "Start the service, or correct host and port in prometheus.yml. Where Prometheus runs "
            "on another machine or in a container, AGENT_ANALYTICS_METRICS_HOST=0.0.0.0 lets it in."
        ),
    ),
    (
        ("HTTP status 401",),
        "Set basic_auth in prometheus.yml, with a user of the service's web_config.",
    ),
    (
        ("HTTP status 403",),
        "Let Prometheus in: what stands in front of the service refuses it.",
    ),
    (
        ("HTTP status 404",),
        "Correct metrics_path in prometheus.yml (/metrics by default), or the port.",
    ),
    (("HTTP status 400",), f"{_HTTPS[:-1]}, or else something else answers there."),
    (("HTTP status 3",), _STRANGER),
    (("HTTP status 5",), "Look into the log of the service: it answers with an error of its own."),
    (("HTTP status",), _STRANGER),
    (("HTTP response to HTTPS client",), f"Set scheme: http {_YML}: the service has no TLS."),
    (("first record does not look like",), f"Set scheme: http {_YML}."),
    (("malformed HTTP response",), _HTTPS),
    (
        (
            "certificate is valid for",
            "doesn't contain any IP SANs",
            "is not valid for any names",
            "not authorized to sign for this name",
            "legacy Common Name",
        ),
        _MISNAMED,
    ),
    (
        ("expired or is not yet valid",),
        "Renew the service's certificate, or set the clocks by NTP.",
    ),
    (
        ("certificate required", "bad certificate", "unknown certificate", "tls: unknown"),
        _CLIENT,
    ),
    (
        ("x509",),
        "Set tls_config with ca_file in prometheus.yml to the authority of the service.",
    ),
    (("protocol version not supported",), "Set min_version under tls_config as the service's."),
    (("certificate",), "Set tls_config in prometheus.yml as the service's web_config asks for."),
    (("no such host", "server misbehaving"), _HOST),
    (
        ("unable to read", "no such file", "permission denied"),
        "Let Prometheus read the file that is named, or correct its path in prometheus.yml.",
    ),
    (
        ("deadline exceeded", "i/o timeout", "Client.Timeout"),
        "Raise scrape_timeout, or let Prometheus through to that port.",
    ),
    (
        ("no route to host", "network is unreachable"),
        "Let Prometheus through to that host and port.",
    ),
    (
        ("limit exceeded",),
        f"Raise the limit {_YML} that is named, or take it out: each agent has series of its own.",
    ),
    (
        (
            "Content-Type",
            "strconv",
            "expected value",
            "expected label",
            "expected equal",
            "invalid metric type",
            "is not a valid start token",
            "UTF-8",
            "data does not end",
            "unexpected end",
            "expected a valid start token",
            "invalid character",
        ),
        _STRANGER,
    ),
    (
        ("EOF", "connection reset"),
        "Look whether the service answers there: it ends the connection.",
    ),
)


#: Of the sketches alone, which have a reader of their own.
_OF_SKETCHES: Final = {
    "HTTP status 401": (
        "Set basic_auth in prometheus.yml, with a user of the service's web_config; or, where the "
        "service has AGENT_ANALYTICS_SKETCHES_TOKEN, authorization with credentials_file in the "
        "job of the sketches (docs/configuration.md)."
    ),
    "HTTP status 403": (
        "Set AGENT_ANALYTICS_TENANT_KEY for the service (`agent-analytics key` prints one): "
        "without a tenant key the sketches are served on its own machine alone. Or what stands in "
        "front of the service refuses Prometheus."
    ),
}


def scrape_remedy(error: str, *, sketches: bool = False) -> str:
    """Return what to do about a scrape that failed, by what Prometheus says of it.

    Args:
        error: What Prometheus says.
        sketches: Whether the sketches were to be scraped.
    """
    if sketches:
        found = next((remedy for sign, remedy in _OF_SKETCHES.items() if sign in error), "")
        if found:
            return found
    return next(
        (remedy for signs, remedy in _REMEDIES if any(sign in error for sign in signs)),
        "See what answers at that address, and correct prometheus.yml.",
    )
