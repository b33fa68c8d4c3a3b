"""Answers of web servers that handlers raise instead of returning them.

A redirect, an answer without content, a page in place of another: raised or returned, it is what
the caller gets, and no failure. What is an error to the caller is one here.
"""

from typing import Final

from agent_analytics.instrumentation._strangers.plain_data import constant
from agent_analytics.instrumentation.exact import exact
from agent_analytics.instrumentation.vocabulary import CANCELLED, SUCCESS, TIMEOUT

#: Qualified names of classes of exceptions that are answers, or are made answers of.
ANSWERS: Final = (
    "aiohttp.web_exceptions.HTTPException",
    "blacksheep.exceptions.HTTPException",
    "bottle.HTTPResponse",
    "cherrypy._cperror.HTTPRedirect",
    "falcon.http_status.HTTPStatus",
    "litestar.exceptions.http_exceptions.HTTPException",
    "ninja.errors.HttpError",
    "pyramid.httpexceptions.HTTPException",
    "sanic.exceptions.SanicException",
    "starlette.exceptions.HTTPException",
    "tornado.web.HTTPError",
    "webob.exc.WSGIHTTPException",
    "werkzeug.exceptions.HTTPException",
)
#: Where they keep the status: a number, or a line that begins with it. Bottle and werkzeug keep it
#: under a name of their own, behind properties.
_STATUS: Final = ("status_code", "status", "code", "_status_code", "_status")
_FIRST: Final = 100
#: From here on the caller gets an error.
_ERRORS: Final = 400
_OUTCOMES: Final = {408: TIMEOUT, 499: CANCELLED, 504: TIMEOUT}


def outcome_of_answer(answer: BaseException) -> str | None:
    """Return the outcome of the call that ends in an answer, or ``None`` if that is an error."""
    status = _status(answer)
    if status is None:  # werkzeug's may hold a whole response instead
        status = _status(constant(answer, "response"))
    if status is None or status < _FIRST:
        return None
    return SUCCESS if status < _ERRORS else _OUTCOMES.get(status)


def _status(subject: object) -> int | None:
    for each in _STATUS:
        found = exact(constant(subject, each))
        if type(found) is str:
            found = int(found[:3]) if found[:3].isdecimal() else None
        if type(found) is int:
            return found
    return None
