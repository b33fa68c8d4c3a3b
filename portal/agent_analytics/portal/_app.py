"""The ASGI app: the page, the committed dashboards, and what they ask."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final, TypeVar

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from agent_analytics.insights.analytics import AnalyticsError, NoData, PrometheusUnreachable
from agent_analytics.portal._asking import Failed, Prometheus
from agent_analytics.portal._built import LEFT_OUT, PAGE, page_is_built
from agent_analytics.portal._committed import NotCommitted, dashboard, dashboards
from agent_analytics.portal._expressions import UnknownVariable
from agent_analytics.portal._insights import Answers
from agent_analytics.portal._protection import Protection
from agent_analytics.portal._questions import Questions
from agent_analytics.portal._requests import Asked, Wrong, read

Result = TypeVar("Result")
Answer = Callable[[Request], Awaitable[Response]]

_LONGEST_DAYS: Final = 366
_GONE: Final = 499
_WORTH_PACKING: Final = 1_000
#: Where the page finds its files, whatever its own path is and wherever the app is mounted.
_BASE: Final = re.compile(r'<base href="[^"]*"')
#: The report is one document: its style is in it, and it has no script.
_OF_REPORT: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def make_portal_app(
    prometheus_url: str,
    *,
    timeout: float = 30.0,
    headers: Mapping[str, str] | None = None,
    hosts: Sequence[str] = (),
    scrape_seconds: int = 5,
) -> ASGIApp:
    """Return the portal as an ASGI app, to be served alone or mounted.

    Args:
        prometheus_url: Where the app reaches Prometheus, or a guard in front of it.
        timeout: Seconds that a query may take.
        headers: Sent with every query, such as ``{"Authorization": "Bearer …"}``.
        hosts: Names that browsers reach the app by, without ports; those of loopback always are.
        scrape_seconds: How often Prometheus scrapes ``/metrics``.

    Raises:
        ValueError: If the address is not one of HTTP.
    """
    sent = dict(headers or {})
    prometheus = Prometheus(prometheus_url, timeout=timeout, headers=sent)
    questions = Questions(prometheus, scrape=scrape_seconds)
    answers = Answers(prometheus_url, timeout=timeout, headers=sent)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        yield
        await prometheus.close()

    routes: list[Route | Mount] = [
        Route("/", _page),
        Route("/d/{uid}", _page),
        Route("/insights", _page),
        Route("/report", partial(_report, answers)),
        Route("/api/dashboards", _list),
        Route("/api/dashboards/{uid}", _dashboard),
        Route("/api/query", _asks(questions.query), methods=["POST"]),
        Route("/api/annotation", _asks(questions.annotation), methods=["POST"]),
        Route("/api/exemplars", _asks(questions.exemplars), methods=["POST"]),
        Route("/api/values", _asks(questions.values), methods=["POST"]),
        Route("/api/insights", partial(_insights, answers)),
        Route("/api/publishers", partial(_publishers, answers)),
    ]
    if page_is_built():
        routes.append(Mount("/assets", StaticFiles(directory=PAGE / "assets")))
    app = Starlette(routes=routes, lifespan=lifespan)
    return Protection(GZipMiddleware(app, minimum_size=_WORTH_PACKING), hosts)


async def _page(request: Request) -> Response:
    """Return the page, which looks at its own address to know what it shows."""
    if not page_is_built():
        return PlainTextResponse(f"{LEFT_OUT}\n", 501)
    text = (PAGE / "index.html").read_text(encoding="utf-8")
    below = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    base = "../" if below.count("/") > 1 else "./"
    return HTMLResponse(_BASE.sub(f'<base href="{base}"', text, count=1))


async def _list(_request: Request) -> Response:
    return JSONResponse(
        [
            {"uid": uid, "title": each.document["title"], "tags": each.document.get("tags", [])}
            for uid, each in dashboards().items()
        ]
    )


async def _dashboard(request: Request) -> Response:
    try:
        return JSONResponse(dashboard(request.path_params["uid"]).document)
    except NotCommitted as error:
        return _error(str(error), 404)


def _asks(answer: Callable[[Asked], Coroutine[Any, Any, dict[str, Any]]]) -> Answer:
    """Return an endpoint that reads a question and answers it while somebody waits for that."""

    async def endpoint(request: Request) -> Response:
        try:
            found = await _while_there(request, answer(await read(request)))
        except (Wrong, UnknownVariable) as error:
            return _error(str(error), 400)
        except NotCommitted as error:
            return _error(str(error), 404)
        except Failed as error:
            return _error(str(error), 504 if error.unreachable else 502)
        return Response(status_code=_GONE) if found is None else JSONResponse(found)

    return endpoint


async def _while_there(request: Request, work: Coroutine[Any, Any, Result]) -> Result | None:
    """Return what comes of some work, or None where whoever asked has gone; it ends then."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_leaves(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return await working if working.done() else None
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _leaves(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _insights(answers: Answers, request: Request) -> Response:
    publisher = request.query_params.get("publisher", "")
    return await _answered(partial(answers.insights, publisher))


async def _publishers(answers: Answers, _request: Request) -> Response:
    return await _answered(answers.publishers)


async def _answered(answer: Callable[[], dict[str, Any]]) -> Response:
    try:
        return JSONResponse(await run_in_threadpool(answer))
    except PrometheusUnreachable as error:
        return _error(str(error), 504)
    except AnalyticsError as error:
        return _error(str(error), 502)


async def _report(answers: Answers, request: Request) -> Response:
    """Return the report as ``agent-analytics report`` writes it, with its own policy."""
    days = request.query_params.get("days", "30")
    if not days.isdecimal() or not 1 <= int(days) <= _LONGEST_DAYS:
        return PlainTextResponse(f"A report is of 1 to {_LONGEST_DAYS} days.\n", 400)
    publisher = request.query_params.get("publisher", "")
    try:
        page = await run_in_threadpool(answers.report, publisher, int(days))
    except NoData as error:
        return PlainTextResponse(f"{error}.\n", 404)
    except AnalyticsError as error:
        return PlainTextResponse(f"{error}.\n", 502)
    return HTMLResponse(page, headers={"Content-Security-Policy": _OF_REPORT})


def _error(message: str, status: int) -> JSONResponse:
    return JSONResponse({"error": message}, status)
