"""What to do where a server does not answer as it should."""

import socket
import ssl
import urllib.parse
from http.client import BadStatusLine, RemoteDisconnected
from typing import Final, cast

from agent_analytics.cli._doctor.http import NoAnswerError

_TIMEOUT: Final = 5.0
_BAD_REQUEST: Final = 400
_REDIRECTS: Final = range(300, 400)
#: Statuses of who wants a password.
UNAUTHORISED: Final = frozenset({401, 403})
#: What OpenSSL verifies, by the numbers of X509_verify_cert_error_string(3).
_NOT_YET: Final = 9
_EXPIRED: Final = 10
_MISNAMED: Final = frozenset({62, 63, 64})


def advice(error: NoAnswerError, address: str, option: str, otherwise: str) -> str:
    """Return what to do about a server that gives no answer.

    Args:
        error: Why there is none.
        address: What was asked.
        option: The option that names the address.
        otherwise: What to do where the error says no more than that.
    """
    reason = error.reason
    if isinstance(reason, ssl.SSLCertVerificationError):
        return _of_certificate(reason, address, option)
    if isinstance(reason, ssl.SSLError):
        return _of_tls(reason, option)
    if address.startswith("http:") and (
        error.status == _BAD_REQUEST
        or isinstance(reason, RemoteDisconnected | ConnectionResetError)
    ):
        return (
            "Ask by https:// if what serves there has TLS; else something else has that port: "
            f"give {option} another address."
        )
    found = _of_status(error, option) if reason is None else _of_network(reason, option)
    return found or otherwise


def _of_status(error: NoAnswerError, option: str) -> str:
    if error.status in UNAUTHORISED:
        return f"Give {option} the address with a user and a password in front of the host."
    if error.status in _REDIRECTS:
        where = f", {error.location}," if error.location else ""
        return (
            f"Give {option} the address{where} that it sends to, if that is meant: no redirect is "
            "followed, which would carry passwords along."
        )
    return ""


def _of_network(reason: BaseException, option: str) -> str:
    if isinstance(reason, socket.gaierror):
        return f"Correct the host's name in {option}: it is not known here."
    if isinstance(reason, BadStatusLine):
        return f"What serves there speaks no HTTP: give {option} another address."
    if isinstance(reason, TimeoutError):
        return (
            "Look for a firewall in between, or for a program at that port that does not answer: "
            "it was connected to, or tried, in vain."
        )
    return ""


def _of_certificate(error: ssl.SSLCertVerificationError, address: str, option: str) -> str:
    if error.verify_code in _MISNAMED:
        names = _names(address)
        of = f"it is for {', '.join(names)}" if names else "it names other hosts"
        return (
            f"Ask by a name that the certificate has ({of}): give {option} such an address. Or "
            "make a certificate whose subjectAltName has this one: DNS:name for a name, IP:address "
            "for an address."
        )
    if error.verify_code == _EXPIRED:
        return "Renew the service's certificate: it has expired. See that this clock is right."
    if error.verify_code == _NOT_YET:
        return "Set the clocks by NTP: the service's certificate is not valid yet."
    return "Set SSL_CERT_FILE to the certificate of the authority that signed the service's."


def _of_tls(error: ssl.SSLError, option: str) -> str:
    why = str(error)
    if "WRONG_VERSION_NUMBER" in why or "RECORD_LAYER_FAILURE" in why:
        return "Ask by http://: what serves there has no TLS."
    if "CERTIFICATE" in why and "ALERT" in why:
        return (
            "The service wants a client's certificate, which this command has not: leave it out "
            f"with {option} none, and ask Prometheus, which has one."
        )
    return f"What serves there does not agree on TLS 1.2 or later: give {option} another address."


def _names(address: str) -> list[str]:
    """Return the names in the certificate of a server that is trusted, but for its name."""
    parts = urllib.parse.urlsplit(address)
    context = ssl.create_default_context()
    context.check_hostname = False
    try:
        with (
            socket.create_connection((parts.hostname or "", parts.port or 443), _TIMEOUT) as raw,
            context.wrap_socket(raw, server_hostname=parts.hostname) as connection,
        ):
            found = connection.getpeercert() or {}
    except (OSError, ValueError):
        return []
    pairs = cast("tuple[tuple[str, str], ...]", found.get("subjectAltName", ()))
    return [value for _, value in pairs]
