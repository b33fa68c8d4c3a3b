"""What is answered under which path: one function for the server, the WSGI and the ASGI app."""

import zlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from agent_analytics.exporters._exposition import content_type, exposition
from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.processor import AgentMetricsProcessor

PARTS: Final = {"/metrics": "metrics", "/metrics/sketches": "sketches"}
HEALTHY: Final = "/-/healthy"

_TEXT: Final = "text/plain; charset=utf-8"
#: A smaller body fits in one packet anyway.
_GZIP_FROM_BYTES: Final = 1400
#: Measured on an exposition of 56k samples: level 1 makes 24 of its bytes into one; level 6 makes
#: 30 into one and takes nearly three times as long, which the scraped service pays for.
_GZIP_LEVEL: Final = 1
_GZIP_WINDOW: Final = 31  # 15 bits of window, in a gzip frame

_INDEX: Final = b"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>agent-analytics</title></head>
<body>
<h1>agent-analytics</h1>
<ul>
<li><a href="metrics">metrics</a>: counters, histograms and gauges of every listing</li>
<li><a href="metrics/sketches">metrics/sketches</a>: distinct counts; scrape every five minutes</li>
<li><a href="-/healthy">-/healthy</a>: answers while the process serves</li>
</ul>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What an answer depends on.

    Attributes:
        method: HTTP method in upper case.
        path: Decoded path below the point where the app is mounted.
        accept: The ``Accept`` header, or empty.
        accept_encoding: The ``Accept-Encoding`` header, or empty.
    """

    method: str
    path: str
    accept: str = ""
    accept_encoding: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, without the headers of its connection."""

    status: HTTPStatus
    headers: tuple[tuple[str, str], ...]
    body: bytes


def respond(processor: AgentMetricsProcessor, request: Request) -> Response:
    """Return the answer to a request. Never raises: an error of ours is a 500 and is counted."""
    try:
        response = _route(processor, request)
    except Exception:  # noqa: BLE001 - a scrape must not end the host's worker
        note_internal_error("exporters.respond")
        response = plain(HTTPStatus.INTERNAL_SERVER_ERROR)
    if request.method == "HEAD":
        return Response(response.status, response.headers, b"")
    return response


def plain(status: HTTPStatus, *headers: tuple[str, str]) -> Response:
    """Return a response whose text is the status itself."""
    return _with_body(status, _TEXT, f"{status.value} {status.phrase}\n".encode(), headers)


def refuse(reason: str) -> Response:
    """Return a response that says why there is nothing to see."""
    return _with_body(HTTPStatus.SERVICE_UNAVAILABLE, _TEXT, reason.encode())


def mounted_path(root: str, path: str) -> str:
    """Return the path to route by, for an app mounted under ``root``.

    Mounted under ``/metrics``, as is usual for Prometheus apps, its root is the metrics.
    """
    path = path.rstrip("/") or "/"
    if root.rstrip("/").endswith("/metrics"):
        return "/metrics" + path.rstrip("/")
    return path


def _route(processor: AgentMetricsProcessor, request: Request) -> Response:
    part = PARTS.get(request.path)
    if part is None and request.path not in {"/", HEALTHY}:
        return plain(HTTPStatus.NOT_FOUND)
    if request.method not in {"GET", "HEAD"}:
        return plain(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", "GET, HEAD"))
    if part is not None:
        return _part(processor, part, request)
    if request.path == HEALTHY:
        return plain(HTTPStatus.OK)
    return _with_body(HTTPStatus.OK, "text/html; charset=utf-8", _INDEX)


def _part(processor: AgentMetricsProcessor, part: str, request: Request) -> Response:
    headers = [("Vary", "Accept, Accept-Encoding")]
    if request.method == "HEAD":
        # Rendering would count as a scrape and release series whose zeros nobody has seen.
        return Response(
            HTTPStatus.OK, (("Content-Type", content_type(request.accept)), *headers), b""
        )
    body, kind = exposition(processor, accept=request.accept, part=part)
    if len(body) >= _GZIP_FROM_BYTES and _accepts_gzip(request.accept_encoding):
        packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
        body = packer.compress(body) + packer.flush()
        headers.append(("Content-Encoding", "gzip"))
    return _with_body(HTTPStatus.OK, kind, body, headers)


def _with_body(
    status: HTTPStatus,
    kind: str,
    body: bytes,
    headers: tuple[tuple[str, str], ...] | list[tuple[str, str]] = (),
) -> Response:
    return Response(
        status,
        (
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            *headers,
        ),
        body,
    )


def _accepts_gzip(accept_encoding: str) -> bool:
    """Tell whether gzip is acceptable; a named ``gzip`` beats ``*`` (RFC 9110, 12.5.3)."""
    weights: dict[str, float] = {}
    for item in accept_encoding.lower().split(","):
        coding, _, parameters = item.partition(";")
        name, _, value = parameters.strip().partition("=")
        try:
            weights[coding.strip()] = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            weights[coding.strip()] = 0.0
    return weights.get("gzip", weights.get("*", 0.0)) > 0
