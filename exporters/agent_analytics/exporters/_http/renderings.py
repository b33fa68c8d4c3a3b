"""Renderings that are shared: one at a time for each processor, for all who wait for it.

Who asks while one is under way waits for the next, with everybody else who does: a rendering shows
all that was counted before it was asked for, and the zeros of what is newborn are seen by each who
shares it. Its text is made once for each format, and packed once.
"""

import os
import threading
import time
import weakref
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from typing import Final, cast

from agent_analytics.exporters._http.exposition import text_of
from agent_analytics.instrumentation.health import note_internal_error
from agent_analytics.processor import AgentMetricsProcessor, Part

#: A smaller body fits in one packet anyway.
GZIP_FROM_BYTES: Final = 1400
#: Measured on an exposition of 56k samples: level 1 makes 24 of its bytes into one; level 6 makes
#: 30 into one and takes nearly three times as long, which the scraped service pays for.
_GZIP_LEVEL: Final = 1
_GZIP_WINDOW: Final = 31  # 15 bits of window, in a gzip frame
#: What is packed at once. Each time gives other threads a turn, which may be a long one.
_PACK_BYTES: Final = 1 << 20
#: Prometheus has given up long before; what takes longer does not end at all.
WAIT_SECONDS: Final = 60.0
#: What older renderings may take while they are still being read, beside the newest; or twice what
#: the newest takes, for who needs so much.
_KEPT_BYTES: Final = 32 << 20
#: A reader that has taken so much has moved.
_MOVED_BYTES: Final = 32 << 10


@dataclass(frozen=True, slots=True)
class Want:
    """What is asked for.

    Attributes:
        part: ``metrics`` or ``sketches``.
        openmetrics: Whether as OpenMetrics, else as text 0.0.4.
        gzip: Whether it may come packed.
        looks: Whether who asks only looks, and ends no hold.
    """

    part: str
    openmetrics: bool = False
    gzip: bool = False
    looks: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """A body, and whether it is packed."""

    body: bytes
    gzip: bool = False


#: What was rendered, or the status that says why nothing was.
Answer = Rendered | HTTPStatus


class Reading:
    """How far somebody is in a body.

    Attributes:
        moved: When a good part of it was last taken, by ``time.monotonic()``.
        was_cut: Whether the rest was taken away.
    """

    def __init__(self, body: bytes, on_cut: Callable[[], None] | None = None) -> None:
        self.moved = time.monotonic()
        self.was_cut = False
        self._body = body
        self._at = self._marked = 0
        self._on_cut = on_cut

    @property
    def body(self) -> bytes:
        """What is read; nothing, once it was cut or closed."""
        return self._body

    def look(self, size: int) -> memoryview:
        """Return at most so many bytes of what is left."""
        return memoryview(self._body)[self._at : self._at + size]

    def take(self, size: int) -> None:
        """Go on by so many bytes."""
        self._at += size
        if self._at - self._marked >= _MOVED_BYTES:
            self._marked, self.moved = self._at, time.monotonic()

    def cut(self) -> None:
        """Let go of the rest: somebody else needs the memory."""
        self.was_cut = True
        self._body = b""
        if self._on_cut is not None:
            self._on_cut()


class _Turn:
    """Somebody who waits, in a thread of its own."""

    def __init__(self, want: Want) -> None:
        self.want = want
        self.answer: Answer | None = None
        self.leads = False
        self.woken = threading.Event()

    def give(self, answer: Answer) -> None:
        self.answer = answer
        self.woken.set()

    def lead(self, run: Callable[[], None]) -> bool:
        del run
        self.leads = True
        self.woken.set()
        return True


class _Call(_Turn):
    """Somebody who is called back, and has no thread that could render."""

    def __init__(self, want: Want, then: Callable[[Answer], None]) -> None:
        super().__init__(want)
        self._then = then

    def give(self, answer: Answer) -> None:
        self.answer = answer
        self._then(answer)

    def lead(self, run: Callable[[], None]) -> bool:
        try:
            threading.Thread(target=run, name="agent-analytics-rendering", daemon=True).start()
        except RuntimeError:  # no more threads to be had
            return False
        return True


class Renderings:
    """What is rendered of one processor, one at a time. Who waits longest, renders."""

    def __init__(self, processor: AgentMetricsProcessor) -> None:
        self._processor = weakref.ref(processor)
        self._lock = threading.Lock()
        self._waiting: list[_Turn] = []
        self._busy = False
        self._readings: set[Reading] = set()

    def get(self, want: Want) -> Answer:
        """Return a rendering that begins from now on, made here or by another who waits."""
        turn = _Turn(want)
        try:
            if self._enter(turn):
                turn.leads = True
            else:
                turn.woken.wait(WAIT_SECONDS)
                with self._lock:
                    if turn in self._waiting and not turn.leads:
                        self._waiting.remove(turn)
        except BaseException:  # the web server's time limit, or a signal of the host
            self._leave(turn)
            raise
        if turn.leads:
            self._lead()
        return turn.answer or HTTPStatus.SERVICE_UNAVAILABLE

    def ask(self, want: Want, then: Callable[[Answer], None]) -> None:
        """Have a rendering that begins from now on given to ``then``, in whichever thread."""
        turn = _Call(want, then)
        if self._enter(turn) and not turn.lead(self._lead):
            self._hand_on()

    def _enter(self, turn: _Turn) -> bool:
        """Wait with the others; return whether to begin, as nobody else does."""
        with self._lock:
            self._waiting.append(turn)
            begins, self._busy = not self._busy, True
            return begins

    def _leave(self, turn: _Turn) -> None:
        """Wait no longer; who was to render hands that on, or nobody would ever render again."""
        with self._lock:
            if turn in self._waiting:
                self._waiting.remove(turn)
        if turn.leads:
            self._hand_on()

    def _lead(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        try:
            for part in dict.fromkeys(turn.want.part for turn in sorted(batch, key=_part)):
                self._render(part, [turn for turn in batch if turn.want.part == part])
        finally:
            for turn in batch:
                if turn.answer is None:
                    turn.give(HTTPStatus.INTERNAL_SERVER_ERROR)
            self._hand_on()

    def _hand_on(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._busy = False
                    return
                first = self._waiting[0]
                if first.lead(self._lead):
                    return
                del self._waiting[0]
            first.give(HTTPStatus.SERVICE_UNAVAILABLE)

    def _render(self, part: str, turns: list[_Turn]) -> None:
        processor = self._processor()
        if processor is None:
            return
        try:
            looks = all(turn.want.looks for turn in turns)
            take = processor.look if looks else processor.snapshot
            snapshot = take(cast("Part", part))
            for openmetrics in (False, True):
                some = [turn for turn in turns if turn.want.openmetrics is openmetrics]
                if not some:
                    continue
                pieces = text_of(snapshot, openmetrics=openmetrics)
                kinds = {turn.want.gzip for turn in some}
                made = _made(pieces, plain=False in kinds, packed=True in kinds)
                self._make_room(made.values())
                for turn in some:
                    turn.give(made[turn.want.gzip])
        except Exception:  # noqa: BLE001 - a scrape must not end the host's worker
            note_internal_error("exporters.respond")

    # --- who reads ------------------------------------------------------------------------------

    def open(self, body: bytes, on_cut: Callable[[], None] | None = None) -> Reading:
        """Begin to read a body; ``on_cut`` is called, in any thread, if the rest is taken away."""
        reading = Reading(body, on_cut)
        with self._lock:
            self._readings.add(reading)
        return reading

    def close(self, reading: Reading) -> None:
        """End reading."""
        with self._lock:
            self._readings.discard(reading)

    def pieces(self, body: bytes, size: int) -> Iterator[bytes]:
        """Yield a body piece by piece; all of it, unless who reads is too slow for the others."""
        reading = self.open(body)
        try:
            while piece := reading.look(size):
                yield bytes(piece)
                reading.take(len(piece))
        finally:
            self.close(reading)

    def _make_room(self, made: Iterable[Rendered]) -> None:
        """Take older bodies away, from who has been standing still for longest, until they fit."""
        most = max(_KEPT_BYTES, 2 * sum(len(each.body) for each in made))
        with self._lock:
            by_body: dict[int, list[Reading]] = {}
            for reading in self._readings:
                by_body.setdefault(id(reading.body), []).append(reading)
            left = sum(len(readings[0].body) for readings in by_body.values())
            cut: list[Reading] = []
            for readings in sorted(by_body.values(), key=lambda some: max(r.moved for r in some)):
                if left <= most:
                    break
                left -= len(readings[0].body)
                cut += readings
            self._readings.difference_update(cut)
        for reading in cut:
            reading.cut()


def _part(turn: _Turn) -> str:
    return turn.want.part


def _made(pieces: Iterable[bytes], *, plain: bool, packed: bool) -> dict[bool, Rendered]:
    """Return a body as text, packed, or both: by whether packing is welcome."""
    if not packed:
        text = BytesIO()
        for piece in pieces:
            text.write(piece)
        return {False: Rendered(text.getvalue())}
    packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    text, small = BytesIO(), BytesIO()
    waiting: list[bytes] = []
    size = total = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        total += len(piece)
        if plain or total < GZIP_FROM_BYTES:
            text.write(piece)
        if size >= _PACK_BYTES:
            small.write(packer.compress(b"".join(waiting)))
            waiting, size = [], 0
    if total < GZIP_FROM_BYTES:
        return dict.fromkeys((False, True), Rendered(text.getvalue()))
    small.write(packer.compress(b"".join(waiting)) + packer.flush())
    made = {True: Rendered(small.getvalue(), gzip=True)}
    if plain:
        made[False] = Rendered(text.getvalue())
    return made


_lock = threading.Lock()
_shared: "weakref.WeakKeyDictionary[AgentMetricsProcessor, Renderings]" = (
    weakref.WeakKeyDictionary()
)


def renderings_of(processor: AgentMetricsProcessor) -> Renderings:
    """Return what renders a processor, the same for each server and app that shows it."""
    with _lock:
        found = _shared.get(processor)
        if found is None:
            found = _shared[processor] = Renderings(processor)
        return found


def _after_fork() -> None:
    global _lock, _shared  # noqa: PLW0603 - threads that the child lacks may hold the parent's
    _lock = threading.Lock()
    _shared = weakref.WeakKeyDictionary()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
