"""How Prometheus finds metrics endpoints, and how it shows who it is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from agent_analytics.insights._yaml import Yaml

#: What the port of a container is called in Kubernetes, where it is one of ours.
PORT_NAME: Final = "agent-analytics"
#: Port of ``/metrics`` where nothing else is said.
PORT: Final = 9464


@dataclass(frozen=True, slots=True)
class Discovery:
    """A way of finding targets: one section of a scrape configuration.

    Attributes:
        section: Its name, such as ``dns_sd_configs``.
        settings: What stands in it.
        relabel: How what was found becomes the labels ``service`` and ``instance``; says nothing of
            what was found in other ways.
        alone: Whether ``relabel`` drops what was found in other ways.
    """

    section: str
    settings: Mapping[str, Yaml]
    relabel: tuple[Mapping[str, Yaml], ...] = ()
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """How Prometheus connects to a metrics endpoint.

    Every file is as Prometheus sees it; a relative path begins where its configuration is.

    Attributes:
        tls: Whether the endpoint is asked over HTTPS.
        ca_file: Certificates of who signs the endpoints' certificates; None for the system's.
        cert_file: Prometheus' own certificate, where endpoints ask for one.
        key_file: The key of that certificate.
        server_name: The name that the endpoints' certificates carry, where it is not their address.
        username: Name for basic authentication.
        password_file: File that holds the password.
        token_file: File that holds a bearer token, such as for a proxy before the endpoints.
    """

    tls: bool = False
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    server_name: str | None = None
    username: str | None = None
    password_file: str | None = None
    token_file: str | None = None

    def __post_init__(self) -> None:
        """Refuse what Prometheus would refuse, or would not do as it is meant.

        Raises:
            ValueError: Two settings do not go together, or one lacks another.
        """
        _both("a certificate", self.cert_file, "a key", self.key_file)
        _both("a user name", self.username, "a file with the password", self.password_file)
        if self.username and self.token_file:
            msg = "basic authentication and a bearer token cannot both be sent"
            raise ValueError(msg)
        if not self.tls and (self.ca_file or self.cert_file or self.server_name):
            msg = "certificates and a server name are for TLS, which is off"
            raise ValueError(msg)

    def by_token(self, token_file: str) -> "Access":
        """Return the same connection with a bearer token in place of any other credential."""
        return replace(self, username=None, password_file=None, token_file=token_file)

    def settings(self) -> dict[str, Yaml]:
        """Return the lines of a scrape configuration."""
        settings: dict[str, Yaml] = {}
        if self.tls:
            settings["scheme"] = "https"
            tls = {
                "ca_file": self.ca_file,
                "cert_file": self.cert_file,
                "key_file": self.key_file,
                "server_name": self.server_name,
            }
            given: dict[str, Yaml] = {name: value for name, value in tls.items() if value}
            if given:
                settings["tls_config"] = given
        if self.username and self.password_file:
            settings["basic_auth"] = {
                "username": self.username,
                "password_file": self.password_file,
            }
        if self.token_file:
            settings["authorization"] = {"credentials_file": self.token_file}
        return settings


def _both(one: str, first: str | None, other: str, second: str | None) -> None:
    if (first is None) != (second is None):
        msg = f"{one} and {other} go together"
        raise ValueError(msg)


def static(targets: Sequence[str], *, service: str | None = None) -> Discovery:
    """Return targets that do not change, as ``host:port``.

    Args:
        targets: The endpoints; workers that share a state directory are one.
        service: What they are called; a service is gone where none of its targets is up.
    """
    settings: dict[str, Yaml] = {"targets": list(targets)}
    if service is not None:
        settings["labels"] = {"service": service}
    return Discovery("static_configs", settings)


def from_files(*paths: str) -> Discovery:
    """Return targets that are read from JSON or YAML files, again whenever these change.

    Args:
        paths: Names or patterns, such as ``targets/*.json``.
    """
    return Discovery("file_sd_configs", {"files": list(paths)})


def from_url(url: str) -> Discovery:
    """Return targets that a service of one's own lists as JSON at a URL, asked every minute."""
    return Discovery("http_sd_configs", {"url": url})


def from_dns(name: str, *, port: int | None = None) -> Discovery:
    """Return every address of a name as a target; its service is the name.

    Args:
        name: Of SRV records, which say the port; of A records where ``port`` is given.
        port: Where the metrics are at each address.
    """
    settings: dict[str, Yaml] = {"names": [name]}
    if port is not None:
        settings |= {"type": "A", "port": port}
    return Discovery("dns_sd_configs", settings, (_copied("__meta_dns_name", "service"),))


def from_kubernetes(*namespaces: str) -> Discovery:
    """Return every pod with a container port that is called ``agent-analytics``.

    The service is the pod's label ``app.kubernetes.io/name``, and the instance its namespace and
    name: in a stateful set that has a state directory, both outlive the pod.

    Args:
        namespaces: Where to look; everywhere, if there is none.
    """
    settings: dict[str, Yaml] = {"role": "pod"}
    if namespaces:
        settings["namespaces"] = {"names": list(namespaces)}
    return Discovery(
        "kubernetes_sd_configs",
        settings,
        (
            {
                "source_labels": ["__meta_kubernetes_pod_container_port_name"],
                "regex": PORT_NAME,
                "action": "keep",
            },
            _copied("__meta_kubernetes_pod_label_app_kubernetes_io_name", "service"),
            {
                "source_labels": ["__meta_kubernetes_namespace", "__meta_kubernetes_pod_name"],
                "separator": "/",
                "target_label": "instance",
            },
        ),
        alone=True,
    )


def _copied(source: str, target: str) -> dict[str, Yaml]:
    # An empty label of what was found in another way must not delete the one that it has.
    return {"source_labels": [source], "regex": "(.+)", "target_label": target}


def job(
    name: str,
    interval: str,
    found: Sequence[Discovery],
    access: Access,
    path: str | None = None,
    *,
    kept: Sequence[Yaml] = (),
) -> Yaml:
    """Return a scrape configuration.

    Raises:
        ValueError: A way of finding targets that drops those of others is not alone.
    """
    ways = list(dict.fromkeys(each.section for each in found))
    if len(ways) > 1 and any(each.alone for each in found):
        msg = "targets that Kubernetes finds need a configuration of their own"
        raise ValueError(msg)
    relabel: list[Yaml] = []
    for step in (step for each in found for step in each.relabel):
        if step not in relabel:
            relabel.append(step)
    settings: dict[str, Yaml] = {"job_name": name, "scrape_interval": interval}
    if path is not None:
        settings["metrics_path"] = path
    settings |= access.settings()
    for way in ways:
        settings[way] = [each.settings for each in found if each.section == way]
    if relabel:
        settings["relabel_configs"] = relabel
    if kept:
        settings["metric_relabel_configs"] = list(kept)
    return settings
