"""Streams that only an invocation of the agent ``giver`` can read."""

import asyncio
from collections.abc import AsyncGenerator, Generator

from agent_analytics.instrumentation import current_invocation


def chunks() -> Generator[bytes, None, None]:
    """Yield chunks, inside of the invocation."""
    for number in range(3):
        assert current_invocation().agent_id == "giver"
        yield b"%d" % number


async def chunks_async() -> AsyncGenerator[bytes, None]:
    """Yield chunks, inside of the invocation."""
    for number in range(3):
        await asyncio.sleep(0)
        assert current_invocation().agent_id == "giver"
        yield b"%d" % number
