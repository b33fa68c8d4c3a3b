"""Answers of web servers that are raised, and callers that have gone away.

Classes as in aiohttp 3.14, bottle 0.13, channels 4.3, CherryPy 18.10, Django 5.2, falcon 4.4,
litestar 2.25, pyramid 2.1, sanic 25.12, starlette 1.10, tornado 6.6, uvicorn 0.54, websockets 17.4,
werkzeug 3.1: of the same name, and with the status in the same place.
"""

from types import SimpleNamespace

import pytest

from agent_analytics.instrumentation._calls import outcomes


def made(name: str, **body: object) -> BaseException:
    """Return an exception whose class has this qualified name."""
    module, _, bare = name.rpartition(".")
    kind = type(bare, (Exception,), {"__module__": module, "__qualname__": bare, **body})
    raised: BaseException = kind()
    return raised


ANSWERS = [
    ("starlette.exceptions.HTTPException", {"status_code": 307}, "success"),
    ("starlette.exceptions.HTTPException", {"status_code": 204}, "success"),
    ("starlette.exceptions.HTTPException", {"status_code": 404}, "error"),
    ("starlette.exceptions.HTTPException", {"status_code": 504}, "timeout"),
    ("starlette.exceptions.HTTPException", {"status_code": 408}, "timeout"),
    ("aiohttp.web_exceptions.HTTPException", {"status_code": 302, "status": 302}, "success"),
    ("aiohttp.web_exceptions.HTTPException", {"status_code": 200, "status": 200}, "success"),
    ("aiohttp.web_exceptions.HTTPException", {"status_code": -1}, "error"),
    ("falcon.http_status.HTTPStatus", {"status": "303 See Other"}, "success"),
    ("falcon.http_status.HTTPStatus", {"status": "503 Service Unavailable"}, "error"),
    ("bottle.HTTPResponse", {"status_code": 303, "status": "303 See Other"}, "success"),
    ("bottle.HTTPResponse", {"status_code": 500}, "error"),
    ("tornado.web.HTTPError", {"status_code": 304}, "success"),
    ("pyramid.httpexceptions.HTTPException", {"status_code": 302, "code": 302}, "success"),
    ("cherrypy._cperror.HTTPRedirect", {"status": 303}, "success"),
    ("werkzeug.exceptions.HTTPException", {"code": 308}, "success"),
    ("werkzeug.exceptions.HTTPException", {"code": 400}, "error"),
    (
        "werkzeug.exceptions.HTTPException",
        {"code": None, "response": SimpleNamespace(status_code=302, status="302 FOUND")},
        "success",
    ),
    ("werkzeug.exceptions.HTTPException", {"code": None, "response": None}, "error"),
    ("sanic.exceptions.SanicException", {"status_code": 500}, "error"),
    ("litestar.exceptions.http_exceptions.HTTPException", {"status_code": "odd"}, "error"),
    ("shop.errors.HTTPException", {"status_code": 302}, "error"),
]


@pytest.mark.parametrize(("name", "body", "expected"), ANSWERS)
def test_a_raised_answer_is_what_the_caller_gets(
    name: str, body: dict[str, object], expected: str
) -> None:
    """A redirect or another good answer is a success, raised or returned; an error is an error."""
    assert outcomes.classify(made(name, **body))[0] == expected


def test_a_response_that_is_called_like_a_function_is_not_called() -> None:
    """Werkzeug's responses are WSGI applications: their status is read, and nothing is called."""

    class Response:
        status_code = 302

        def __call__(self) -> None:
            pytest.fail("the response was called")

    answer = made("werkzeug.exceptions.HTTPException", response=Response())
    assert outcomes.classify(answer)[0] == "success"


def test_a_status_that_raises_is_an_error() -> None:
    """Whatever an attribute of an answer does, it does not get out."""

    def leave(_: object) -> object:
        raise SystemExit

    body = dict.fromkeys(("status_code", "status", "code", "response"), property(leave))
    answer = made("werkzeug.exceptions.HTTPException", **body)
    assert outcomes.classify(answer)[0] == "error"


@pytest.mark.parametrize(
    "name",
    [
        "starlette.requests.ClientDisconnect",
        "starlette.websockets.WebSocketDisconnect",
        "litestar.exceptions.websocket_exceptions.WebSocketDisconnect",
        "django.core.exceptions.RequestAborted",
        "django.http.request.UnreadablePostError",
        "channels.exceptions.RequestAborted",
        "sanic.exceptions.WebsocketClosed",
        "tornado.websocket.WebSocketClosedError",
        "uvicorn.protocols.utils.ClientDisconnected",
        "websockets.exceptions.ConnectionClosedOK",
        "werkzeug.exceptions.ClientDisconnected",
    ],
)
def test_a_caller_that_has_gone_away_has_cancelled(name: str) -> None:
    """Nobody wants the answer any more: that is no failure of the agent."""
    assert outcomes.classify(made(name, status_code=400))[0] == "cancelled"
