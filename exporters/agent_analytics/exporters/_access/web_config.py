"""Prometheus web configuration files: who may connect to the metrics, and how.

The format is that of Prometheus' own servers
(https://prometheus.io/docs/prometheus/latest/configuration/https/), so that an operator writes one
file for all. A setting of that format which Python cannot honour is refused, never skipped.
"""

import importlib
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar, cast

from agent_analytics.exporters._access.passwords import Users, without_password

_logger = getLogger("agent_analytics")

_VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_CLIENT_AUTH: Final = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_LOOK_SECONDS: Final = 1.0

_T = TypeVar("_T")
_Stamp = tuple[tuple[int, int, int] | None, ...]


@dataclass(frozen=True, slots=True)
class Security:
    """What a web configuration file asks for.

    Attributes:
        tls: Context of the connections, or None for plain HTTP.
        users: Who may ask, or None for everybody.
        sans: Subject alternative names of which a client's certificate must have one; empty
            allows any.
        files: Files that were read.
    """

    tls: ssl.SSLContext | None = None
    users: Users | None = None
    sans: frozenset[str] = frozenset()
    files: tuple[Path, ...] = ()

    def knows(self, connection: ssl.SSLSocket) -> bool:
        """Tell whether the client at the other end is one of ``sans``."""
        if not self.sans:
            return True
        certificate = cast("Mapping[str, Any]", connection.getpeercert() or {})
        return any(name in self.sans for _, name in certificate.get("subjectAltName", ()))


class WebConfig:
    """A web configuration file that is followed: renewed certificates need no restart."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            ValueError: The file is wrong, or one that it names is.
            ImportError: It needs a package that is not installed.
        """
        self._path = path
        self._lock = threading.Lock()
        self._looked = time.monotonic()
        self._security = _read(path)
        self._stamp = _stamp(self._security.files)

    def current(self) -> Security:
        """Return what the file asks for now; while it is wrong, what it asked for before."""
        with self._lock:
            now = time.monotonic()
            if now - self._looked >= _LOOK_SECONDS:
                self._looked = now
                stamp = _stamp(self._security.files)
                if stamp != self._stamp:
                    self._stamp = stamp
                    self._renew()
            return self._security

    def _renew(self) -> None:
        try:
            self._security = _read(self._path)
        except (ValueError, ImportError) as error:
            _logger.error("web configuration not renewed: %s", error)  # noqa: TRY400 - says it all
        else:
            self._stamp = _stamp(self._security.files)


def _stamp(files: tuple[Path, ...]) -> _Stamp:
    stamps: list[tuple[int, int, int] | None] = []
    for file in files:
        try:
            status = file.stat()
        except OSError:
            stamps.append(None)
        else:
            stamps.append((status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(stamps)


def _read(path: Path) -> Security:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        msg = f"web_config: cannot read {path}: {error.reason}"
        raise ValueError(msg) from None
    except OSError as error:
        msg = f"web_config: cannot read {path}: {error.strerror or error}"
        raise ValueError(msg) from error
    try:
        return _security(_parse(text), path)
    except ValueError as error:
        msg = f"web_config {path}: {error}"
        raise ValueError(msg) from error


class _Yaml(Protocol):
    YAMLError: type[Exception]

    def safe_load(self, stream: str) -> object: ...


def _parse(text: str) -> object:
    try:
        yaml = cast("_Yaml", importlib.import_module("yaml"))
    except ImportError as error:
        msg = "a web configuration needs the package PyYAML: pip install 'agent-analytics[auth]'"
        raise ImportError(msg) from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        # What it says quotes the line, which may have a password in it; so would the cause.
        mark: Any = getattr(error, "problem_mark", None)
        where = "" if mark is None else f", line {mark.line + 1}, column {mark.column + 1}"
        msg = f"not YAML{where}"
        raise ValueError(msg) from None


def _security(document: object, path: Path) -> Security:
    top = _Section("", document)
    tls_section = top.section("tls_server_config")
    http_section = top.section("http_server_config")
    users = top.section("basic_auth_users")
    top.end()
    http_section.take("http2")  # allows what this server, like many, does not offer
    http_section.end()
    context: ssl.SSLContext | None = None
    sans: frozenset[str] = frozenset()
    files: tuple[Path, ...] = (path,)
    if tls_section.given:
        context, sans, named = _tls(tls_section, path.parent)
        files += named
    hashes = {name: users.text(name) for name in users.names()}
    return Security(context, Users(hashes) if hashes else None, sans, files)


def _tls(
    section: "_Section", folder: Path
) -> tuple[ssl.SSLContext, frozenset[str], tuple[Path, ...]]:
    names = {key: section.text(key) for key in ("cert_file", "key_file", "client_ca_file")}
    client_auth = section.choice("client_auth_type", _CLIENT_AUTH, "NoClientCert")
    minimum = section.choice("min_version", _VERSIONS, "TLS12")
    maximum = section.choice("max_version", _VERSIONS, "TLS13")
    sans = section.texts("client_allowed_sans")
    section.end()
    for key in ("cert_file", "key_file"):
        if not names[key]:
            msg = f"tls_server_config: {key} is missing"
            raise ValueError(msg)
    if bool(names["client_ca_file"]) != (client_auth is not ssl.CERT_NONE):
        msg = "tls_server_config: client_auth_type and client_ca_file need each other"
        raise ValueError(msg)
    if sans and client_auth is not ssl.CERT_REQUIRED:
        msg = "tls_server_config: client_allowed_sans needs RequireAndVerifyClientCert"
        raise ValueError(msg)
    if minimum > maximum:
        msg = "tls_server_config: min_version is above max_version"
        raise ValueError(msg)
    files = {key: folder / name for key, name in names.items() if name}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = minimum
    context.maximum_version = maximum
    try:
        # The empty password keeps OpenSSL from asking for one on the terminal.
        context.load_cert_chain(files["cert_file"], files["key_file"], password="")
        if names["client_ca_file"]:
            context.load_verify_locations(files["client_ca_file"])
    except OSError as error:
        read = ", ".join(str(file) for file in files.values())
        msg = f"tls_server_config: {error.strerror or error} ({read})"
        raise ValueError(msg) from error
    context.verify_mode = client_auth
    return context, frozenset(sans), tuple(files.values())


class _Section:
    """A mapping of the file from which settings are taken; what is left at the end is refused."""

    def __init__(self, name: str, value: object) -> None:
        self.given = value is not None
        self._name = name
        self._prefix = f"{name}: " if name else ""
        if not isinstance(value, dict | None):
            msg = f"{self._prefix}expected a mapping, got {type(value).__name__}"
            raise ValueError(msg)  # noqa: TRY004 - a wrong file is a ValueError throughout
        items = cast("dict[object, object]", value or {})
        self._left = {str(key): item for key, item in items.items()}

    def names(self) -> list[str]:
        return list(self._left)

    def take(self, key: str) -> object:
        return self._left.pop(key, None)

    def section(self, key: str) -> "_Section":
        return _Section(key, self.take(key))

    def text(self, key: str) -> str:
        value = self.take(key)
        if not isinstance(value, str | None):
            msg = f"{self._prefix}{key}: expected text, got {type(value).__name__}"
            raise ValueError(msg)  # noqa: TRY004 - as above
        return value or ""

    def texts(self, key: str) -> list[str]:
        value = self.take(key)
        items = cast("list[object]", value) if isinstance(value, list) else []
        if value is not None and (not items or not all(isinstance(item, str) for item in items)):
            msg = f"{self._prefix}{key}: expected a list of texts"
            raise ValueError(msg)
        return [str(item) for item in items]

    def choice(self, key: str, choices: Mapping[str, _T], default: str) -> _T:
        value = self.text(key) or default
        if value not in choices:
            msg = f"{self._prefix}{key}: expected one of {', '.join(choices)}"
            raise ValueError(msg)
        return choices[value]

    def end(self) -> None:
        if self._left:
            named = ", ".join(sorted(map(without_password, self._left)))
            msg = f"{self._prefix}not supported here: {named}"
            raise ValueError(msg)
