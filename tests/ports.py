"""Ports for servers that must be told theirs, where tests of other workers do not take them."""

import itertools
import os
import socket
from typing import Final

#: Below the ports that systems give to those who ask for any.
FIRST, LAST = 10_000, 30_000
_NEXT: Final = itertools.count(os.getpid() * 131)


def free_port() -> int:
    """Return a port of loopback that nobody listens on, and that this process has not returned yet.

    A port that the system chooses may be given to the next who asks, before the server is there.
    """
    for number in _NEXT:
        port = FIRST + number % (LAST - FIRST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError  # an endless count ends
