"""Serves the portal on a port, alone or beside something else."""

import signal
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

_START_SECONDS: Final = 10.0


def serve(app: ASGIApp, *, host: str, port: int, on_start: Callable[[str], None]) -> None:
    """Serve an app, from the main thread, until the process gets SIGINT or SIGTERM.

    Args:
        app: The portal.
        host: Address to listen on.
        port: Port to listen on; 0 for any free one.
        on_start: Called with the address.

    Raises:
        OSError: It cannot listen there.
    """
    ending = threading.Event()

    def end(*_: object) -> None:
        ending.set()

    signals = (signal.SIGINT, signal.SIGTERM)
    with served(app, host=host, port=port) as address:
        # Set, not left to Python: a shell starts what runs in the background deaf to Ctrl-C.
        before = [signal.signal(number, end) for number in signals]
        try:
            on_start(address)
            ending.wait()
        finally:
            for number, handler in zip(signals, before, strict=True):
                signal.signal(number, handler)


@contextmanager
def served(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> Generator[str]:
    """Serve an app in a thread, and yield its address.

    Raises:
        OSError: It cannot listen there.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host.strip("[]"), port), family=family) as listening:
        server = uvicorn.Server(_config(app))
        thread = threading.Thread(target=server.run, args=([listening],), name="portal")
        thread.start()
        try:
            _wait_started(server, thread)
            yield f"http://{host}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _wait_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    pause = threading.Event()
    for _ in range(int(_START_SECONDS / 0.02)):
        if server.started:
            return
        if not thread.is_alive():
            break
        pause.wait(0.02)
    message = "the portal's server did not start"
    raise OSError(message)


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        access_log=False,
        log_level="warning",
        server_header=False,
        # What is under way ends with the connection of whoever asked.
        timeout_graceful_shutdown=1,
        ws="none",
    )
