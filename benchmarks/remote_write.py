"""Series for a running Prometheus, by its remote-write protocol.

Text that `promtool` makes blocks of takes a line for each sample; here series with the same values
share their samples, so that what fills a server with tens of millions takes seconds to make.
"""

import struct
import urllib.request
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

#: Bytes of a request from which the next one is begun.
_REQUEST: Final = 4_000_000
_HEADERS: Final = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}


def samples(points: Iterable[tuple[int, float]]) -> bytes:
    """Return the samples of a series, times in seconds, as they stand in its message."""
    found: list[bytes] = []
    for time, value in points:
        inside = b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(1_000 * time)
        found.append(_field(2, inside))
    return b"".join(found)


def constant(value: float, times: Iterable[int]) -> bytes:
    """Return the samples of a series that does not change."""
    # Times since 2004 take six bytes, so that every sample is as long as the other.
    head = b"\x12\x10\x09" + struct.pack("<d", value) + b"\x10"
    every = [_varint(1_000 * time) for time in times]
    return head + head.join(every) if every else b""


def series(name: str, labels: Mapping[str, str], values: bytes) -> bytes:
    """Return a series with its samples as a message.

    Args:
        name: Name of the metric.
        labels: Its labels; empty ones are left out.
        values: What :func:`samples` returned.
    """
    every = sorted({"__name__": name, **labels}.items())
    inside = b"".join(
        _field(1, _field(1, label.encode()) + _field(2, text.encode()))
        for label, text in every
        if text
    )
    return _field(1, inside + values)


def write(url: str, messages: Iterable[bytes]) -> None:
    """Write series into the server at a URL, which takes them by ``/api/v1/write``."""
    waiting: list[bytes] = []
    size = 0
    for message in messages:
        waiting.append(message)
        size += len(message)
        if size >= _REQUEST:
            _send(url, b"".join(waiting))
            waiting.clear()
            size = 0
    if waiting:
        _send(url, b"".join(waiting))


def _send(url: str, body: bytes) -> None:
    # Snappy without compression: the length, and all of it as one literal.
    literal = b"\xfc" + struct.pack("<I", len(body) - 1)
    request = urllib.request.Request(
        f"{url}/api/v1/write", _varint(len(body)) + literal + body, _HEADERS
    )
    with urllib.request.urlopen(request, timeout=600) as answer:
        answer.read()


def _field(number: int, inside: bytes) -> bytes:
    """Return a field of a message that has a length."""
    return bytes((number << 3 | 2,)) + _varint(len(inside)) + inside


@cache  # of the lengths and moments that there are, which are few
def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)
