"""The options of ``agent-analytics config``, and what they mean."""

import argparse
import re
from collections.abc import Callable
from typing import Final, TypeAlias, cast

from agent_analytics.cli._output import add_output
from agent_analytics.insights.config import (
    PORT_NAME,
    SCRAPE_INTERVAL,
    Access,
    Discovery,
    Email,
    PagerDuty,
    Receiver,
    Slack,
    Webhook,
    add_mail_server,
    from_dns,
    from_files,
    from_kubernetes,
    from_url,
    static,
)

#: One address of mail or several, each perhaps with a name in front.
_ADDRESS: Final = re.compile(r"[^@\s][^@]*@[^@\s]+(,\s*[^@\s][^@]*@[^@\s]+)*")
_LAST_PORT: Final = 65535
_Kind: TypeAlias = Callable[[str], Receiver]
_KINDS: Final[dict[str, _Kind]] = {
    "slack": Slack,
    "pagerduty": PagerDuty,
    "email": Email,
    "webhook": Webhook,
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add every option."""
    add_output(parser, "prometheus.yml and alertmanager.yml")
    parser.add_argument(
        "--force", action="store_true", help="replace files that say something else"
    )
    _add_finding(parser)
    _add_access(parser)
    _add_receivers(parser)
    others = parser.add_argument_group("the servers")
    others.add_argument(
        "--rules",
        default="rules",
        metavar="DIR",
        help="where Prometheus sees the rule files (default: %(default)s, beside prometheus.yml)",
    )
    others.add_argument(
        "--scrape-interval",
        default=SCRAPE_INTERVAL,
        metavar="TIME",
        help="how often /metrics is scraped (default: %(default)s)",
    )
    others.add_argument(
        "--prometheus",
        default="localhost:9090",
        metavar="HOST:PORT",
        help="where Prometheus reaches itself, to see how long rules take; or none"
        " (default: %(default)s)",
    )
    others.add_argument(
        "--alertmanager",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="HOST:PORT or URL of Alertmanager; may be repeated (default: localhost:9093)",
    )


def _add_finding(parser: argparse.ArgumentParser) -> None:
    finding = parser.add_argument_group("where metrics are", "one at least, and Kubernetes alone")
    add = finding.add_argument
    add(
        "--target",
        type=_target,
        action="append",
        default=[],
        dest="found",
        metavar="[SERVICE=]HOST:PORT",
        help="an endpoint; workers that share a state directory are one. Where a service has no"
        " endpoint left, on-call is paged",
    )
    add(
        "--targets-file",
        type=from_files,
        action="append",
        dest="found",
        metavar="FILE",
        help="a JSON or YAML file of targets (or a pattern), read again when it changes",
    )
    add(
        "--targets-url",
        type=from_url,
        action="append",
        dest="found",
        metavar="URL",
        help="lists the targets as JSON",
    )
    add(
        "--dns",
        type=_dns,
        action="append",
        dest="found",
        metavar="NAME[:PORT]",
        help="every address of a name; without a port its SRV records",
    )
    add(
        "--kubernetes",
        nargs="?",
        const="",
        metavar="NAMESPACE",
        help=f"pods with a container port called {PORT_NAME}, in one namespace or everywhere",
    )


def _add_access(parser: argparse.ArgumentParser) -> None:
    access = parser.add_argument_group(
        "how Prometheus connects", "the other side is configure(web_config=...)"
    )
    access.add_argument("--tls", action="store_true", help="over HTTPS; certificates imply it")
    for name, metavar, text in (
        ("--ca-file", "FILE", "certificates of who signed the endpoints'"),
        ("--cert-file", "FILE", "Prometheus' own certificate, with --key-file"),
        ("--key-file", "FILE", "the key of that certificate"),
        ("--server-name", "NAME", "the name in the endpoints' certificates"),
        ("--user", "NAME", "for basic authentication, with --password-file"),
        ("--password-file", "FILE", "holds the password"),
        ("--token-file", "FILE", "holds a bearer token"),
        ("--sketches-token-file", "FILE", "holds the bearer token that sketches are served for"),
    ):
        access.add_argument(name, metavar=metavar, help=text)


def _add_receivers(parser: argparse.ArgumentParser) -> None:
    told = parser.add_argument_group(
        "who is told", "each may be repeated; all receivers of one are told"
    )
    for name, text in (
        ("--oncall", "who is paged"),
        ("--publishers", "who gets the insights of publishers that have no receiver of their own"),
    ):
        told.add_argument(
            name, type=_receiver, action="append", default=[], metavar="RECEIVER", help=text
        )
    told.add_argument(
        "--publisher",
        nargs=2,
        action="append",
        default=[],
        metavar=("ID", "RECEIVER"),
        help="who gets the insights of one publisher",
    )
    add_mail_server(told)


def discovery(options: argparse.Namespace) -> list[Discovery]:
    """Return the ways of finding targets that were asked for."""
    found: list[Discovery] = [*options.found]
    namespace: str | None = options.kubernetes
    if namespace is not None:
        found.append(from_kubernetes(*([namespace] if namespace else [])))
    return found


def access(options: argparse.Namespace) -> Access:
    """Return how Prometheus connects.

    Raises:
        ValueError: Two options do not go together.
    """
    certificates = (options.ca_file, options.cert_file, options.key_file, options.server_name)
    return Access(
        tls=options.tls or any(certificates),
        ca_file=options.ca_file,
        cert_file=options.cert_file,
        key_file=options.key_file,
        server_name=options.server_name,
        username=options.user,
        password_file=options.password_file,
        token_file=options.token_file,
    )


def by_publisher(options: argparse.Namespace) -> dict[str, list[Receiver]]:
    """Return who is told for single publishers.

    Raises:
        ArgumentTypeError: A receiver is none.
    """
    found: dict[str, list[Receiver]] = {}
    for name, text in cast("list[tuple[str, str]]", options.publisher):
        try:
            found.setdefault(name, []).append(_receiver(text))
        except argparse.ArgumentTypeError as error:
            msg = f"argument --publisher {name}: {error}"
            raise argparse.ArgumentTypeError(msg) from error
    return found


def _target(text: str) -> Discovery:
    service, equals, address = text.rpartition("=")
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
        msg = f"expected HOST:PORT or SERVICE=HOST:PORT, got {text}"
        raise argparse.ArgumentTypeError(msg)
    return static([address], service=service if equals else None)


def _dns(text: str) -> Discovery:
    name, colon, port = text.rpartition(":")
    if not colon:
        return from_dns(text)
    if not name or not port.isdecimal() or not 0 < int(port) <= _LAST_PORT:
        msg = f"expected NAME or NAME:PORT, got {text}"
        raise argparse.ArgumentTypeError(msg)
    return from_dns(name, port=int(port))


def _receiver(text: str) -> Receiver:
    kind, colon, value = text.partition(":")
    make = _KINDS.get(kind)
    if make is None or not colon or not value:
        msg = f"expected one of {', '.join(f'{name}:…' for name in _KINDS)}, got {text}"
        raise argparse.ArgumentTypeError(msg)
    if make in (Slack, PagerDuty) and not value.startswith("/"):
        msg = f"expected the absolute path of a file on Alertmanager's machine, got {value}"
        raise argparse.ArgumentTypeError(msg)
    if make is Email and not _ADDRESS.fullmatch(value):
        msg = f"expected an address such as email:oncall@example.com, got {text}"
        raise argparse.ArgumentTypeError(msg)
    if make is Webhook and not value.startswith(("http://", "https://")):
        msg = f"expected an address of HTTP, got {value}"
        raise argparse.ArgumentTypeError(msg)
    return make(value)
