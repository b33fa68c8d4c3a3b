"""Asks a portal, without a server."""

import asyncio
from typing import Any

import httpx2
from starlette.types import ASGIApp


def ask(
    app: ASGIApp,
    path: str,
    question: object | None = None,
    *,
    headers: dict[str, str] | None = None,
    base: str = "http://127.0.0.1:8460",
) -> httpx2.Response:
    """Return the answer to a question, or to none."""

    async def asked() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url=base, verify=False) as client:
            if question is None:
                return await client.get(path, headers=headers)
            return await client.post(path, json=question, headers=headers)

    return asyncio.run(asked())


def question(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON can say
    """Return what a panel of the publisher's dashboard asks, but for some changes."""
    asked: dict[str, Any] = {
        "dashboard": "agent-analytics-agent",
        "panel": 18,
        "target": "A",
        "variables": {"publisher": ["acme"], "agent": ["finder"], "period": ["29d"]},
        "from": 1_795_500_000,
        "to": 1_795_521_600,
        "points": 700,
    }
    return {**asked, **changes}
