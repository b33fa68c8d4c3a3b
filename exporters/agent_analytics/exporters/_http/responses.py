"""What is answered under which path: one function for the server, the WSGI and the ASGI app."""

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from agent_analytics.exporters._access.sketch_readers import CHALLENGE, REFUSAL, SketchReaders
from agent_analytics.exporters._http.exposition import content_type, wants_openmetrics
from agent_analytics.exporters._http.in_use import in_use
from agent_analytics.exporters._http.renderings import Answer, Want, renderings_of
from agent_analytics.exporters._instrument.findings import about
from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.processor import AgentMetricsProcessor

SKETCHES: Final = "sketches"
PARTS: Final = {"/metrics": "metrics", "/metrics/sketches": SKETCHES}
HEALTHY: Final = "/-/healthy"
FINDINGS: Final = "/-/findings"
SETTINGS: Final = "/-/settings"
#: Header of a request by which who only looks says so: what it sees is no scrape.
READER: Final = "Agent-Analytics-Reader"
NO_READER: Final = "none"
_OTHERS: Final = frozenset({"/", HEALTHY, FINDINGS, SETTINGS})
#: Methods that a server knows (RFC 9110 and 5789), whether or not it allows them.
_METHODS: Final = frozenset({
    "CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE",
})  # fmt: skip
_ALLOW: Final = "GET, HEAD"
_VARY: Final = ("Vary", "Accept, Accept-Encoding")

_TEXT: Final = "text/plain; charset=utf-8"
_INDEX: Final = b"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>agent-analytics</title></head>
<body>
<h1>agent-analytics</h1>
<ul>
<li><a href="metrics">metrics</a>: counters, histograms and gauges of every listing</li>
<li><a href="metrics/sketches">metrics/sketches</a>: distinct counts; scrape every five minutes</li>
<li><a href="-/findings">-/findings</a>: what keeps agents out of the metrics</li>
<li><a href="-/settings">-/settings</a>: which settings are in use, without their values</li>
<li><a href="-/healthy">-/healthy</a>: answers while the process serves</li>
</ul>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What an answer depends on.

    Attributes:
        method: HTTP method, as it was sent.
        path: Decoded path below the point where the app is mounted.
        accept: The ``Accept`` header, or empty.
        accept_encoding: The ``Accept-Encoding`` header, or empty.
        authorization: The ``Authorization`` header, or empty.
        local: Whether it was made on this machine.
        reader: The header ``READER``, or empty.
    """

    method: str
    path: str
    accept: str = ""
    accept_encoding: str = ""
    authorization: str = field(default="", repr=False)
    local: bool = False
    reader: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, without the headers of its connection."""

    status: HTTPStatus
    headers: tuple[tuple[str, str], ...]
    body: bytes


def respond(processor: AgentMetricsProcessor, readers: SketchReaders, request: Request) -> Response:
    """Return the answer to a request. Never raises: an error of ours is a 500 and is counted."""
    found = route(processor, readers, request)
    if isinstance(found, Response):
        return found
    try:
        answer: Answer = renderings_of(processor).get(found)
    except Exception:  # noqa: BLE001 - a scrape must not end the host's worker
        note_internal_error("exporters.respond")
        answer = HTTPStatus.INTERNAL_SERVER_ERROR
    return rendered(request, answer)


def route(
    processor: AgentMetricsProcessor, readers: SketchReaders, request: Request
) -> Response | Want:
    """Return the answer to a request, or what has to be rendered for it. Never raises."""
    try:
        found = _route(processor, readers, request)
    except Exception:  # noqa: BLE001 - a scrape must not end the host's worker
        note_internal_error("exporters.respond")
        found = plain(HTTPStatus.INTERNAL_SERVER_ERROR)
    return for_method(request.method, found) if isinstance(found, Response) else found


def rendered(request: Request, answer: Answer) -> Response:
    """Return the answer to a request for which something was rendered."""
    if isinstance(answer, HTTPStatus):
        return plain(answer)
    packed = (("Content-Encoding", "gzip"),) if answer.gzip else ()
    kind = content_type(request.accept)
    return _with_body(HTTPStatus.OK, kind, answer.body, (_VARY, *packed))


def for_method(method: str, response: Response) -> Response:
    """Return a response as a request of a method gets it: HEAD gets no body."""
    return Response(response.status, response.headers, b"") if method == "HEAD" else response


def plain(status: HTTPStatus, *headers: tuple[str, str]) -> Response:
    """Return a response whose text is the status itself."""
    return _with_body(status, _TEXT, f"{status.value} {status.phrase}\n".encode(), headers)


def refuse(reason: str) -> Response:
    """Return a response that says why there is nothing to see."""
    return _with_body(HTTPStatus.SERVICE_UNAVAILABLE, _TEXT, reason.encode())


def mounted_path(root: str, path: str) -> str:
    """Return the path to route by, for an app mounted under ``root``.

    Mounted under ``/metrics``, as is usual for Prometheus apps, its root is the metrics. One
    slash at the end does not count; two are another path, as anywhere in a path.
    """
    if path.endswith("/") and not path.endswith("//"):
        path = path[:-1]
    if root.rstrip("/").endswith("/metrics"):
        return "/metrics" + path
    return path or "/"


def _route(
    processor: AgentMetricsProcessor, readers: SketchReaders, request: Request
) -> Response | Want:
    part = PARTS.get(request.path)
    if request.method not in {"GET", "HEAD"} or (part is None and request.path not in _OTHERS):
        return _refused(request)
    if part is not None:
        return _not_for(readers, part, request) or _part(part, request)
    if request.path == HEALTHY:
        return plain(HTTPStatus.OK)
    if request.path == FINDINGS:
        body = "".join(f"{sentence}\n" for sentence in about(processor))
        return _with_body(HTTPStatus.OK, _TEXT, body.encode())
    if request.path == SETTINGS:
        return _with_body(HTTPStatus.OK, "application/json", in_use(processor).encode())
    return _with_body(HTTPStatus.OK, "text/html; charset=utf-8", _INDEX)


def _refused(request: Request) -> Response:
    if request.method not in _METHODS:
        return plain(HTTPStatus.NOT_IMPLEMENTED)
    if request.path == "*" and request.method == "OPTIONS":  # about the server as a whole
        return Response(HTTPStatus.NO_CONTENT, (("Allow", _ALLOW),), b"")
    if request.path not in PARTS and request.path not in _OTHERS:
        return plain(HTTPStatus.NOT_FOUND)
    return plain(HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", _ALLOW))


def _not_for(readers: SketchReaders, part: str, request: Request) -> Response | None:
    """Return the answer to who may not read a part."""
    if part != SKETCHES:
        return None
    status = readers.refusal(request.authorization, local=request.local)
    if status is HTTPStatus.FORBIDDEN:
        return _with_body(status, _TEXT, REFUSAL.encode())
    return None if status is None else plain(status, CHALLENGE)


def _part(part: str, request: Request) -> Response | Want:
    if request.method == "HEAD":
        # Rendering would count as a scrape and release series whose zeros nobody has seen.
        return Response(HTTPStatus.OK, (("Content-Type", content_type(request.accept)), _VARY), b"")
    return Want(
        part,
        wants_openmetrics(request.accept),
        _accepts_gzip(request.accept_encoding),
        looks=request.reader.strip().lower() == NO_READER,
    )


def _with_body(
    status: HTTPStatus,
    kind: str,
    body: bytes,
    headers: tuple[tuple[str, str], ...] = (),
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
