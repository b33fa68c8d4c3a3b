"""Looks after a running program: where its spans go, and whether they say anything.

A minute after the start, and a minute after the first span, what keeps agents out of the metrics
is logged, once in a tree of processes; while nothing is seen of any, again after two minutes, four,
and so on. Until then the first spans are looked at one by one; after that nothing is done for a
span here.
"""

import logging
import os
import threading
import time
import weakref
from typing import Final

from agent_analytics.exporters._instrument import findings as _findings
from agent_analytics.exporters._instrument.instrument import Instruments
from agent_analytics.exporters._instrument.observer import Observer
from agent_analytics.exporters._provider import provider
from agent_analytics.exporters._provider.provider import Attachment
from agent_analytics.exporters._workers import process_tree
from agent_analytics.instrumentation.health import note_internal_error

_logger = logging.getLogger("agent_analytics")

#: After the start, and after the first span.
FIRST_SECONDS = 60.0
#: A program that ran for less time than this and recorded nothing has lost nothing.
_SHORT_SECONDS: Final = 5.0
#: How often it is looked where spans go.
_LOOK_SECONDS: Final = 1.0
#: A provider that was shut down to be replaced is replaced soon after.
_SOON_SECONDS: Final = 0.01
_SOON_TIMES: Final = 100


class Watch:
    """Watches an attachment until it is closed.

    Args:
        attachment: What is attached to.
        instruments: What was switched on, if that was asked for.
        processor: Whom the findings are about.
    """

    def __init__(
        self, attachment: Attachment, instruments: Instruments | None, processor: object
    ) -> None:
        self._attachment: Final = attachment
        self._instruments: Final = instruments
        self._observer: Final = Observer()
        self._said: set[str] = set()
        self._over = threading.Event()
        self._began = time.monotonic()
        self._due = [self._began + FIRST_SECONDS]
        self._next = FIRST_SECONDS
        self._thread: threading.Thread | None = None
        attachment.add(self._observer)
        _findings.offer(processor, self.findings)
        _live.add(self)
        self._begin()

    def _begin(self) -> None:
        self._observer.started = self._first_span
        self._thread = threading.Thread(target=self._run, name="agent-analytics-watch", daemon=True)
        self._thread.start()

    def _first_span(self) -> None:
        self._due.append(time.monotonic() + FIRST_SECONDS)
        if self._thread is None:  # in a forked child, which has none of its parent's threads
            self._begin()
            self._observer.started = None

    def _run(self) -> None:
        soon = 0
        while not self._over.is_set():
            if provider.replaced.wait(_SOON_SECONDS if soon else self._pause()):
                provider.replaced.clear()
                soon = _SOON_TIMES
            soon = max(0, soon - 1)
            try:
                if not self._over.is_set():
                    self._attachment.look()
                    self._say_when_due()
            except Exception:  # noqa: BLE001 - a watch that fails must not end
                note_internal_error("exporters.watch")

    def _pause(self) -> float:
        due = min(self._due, default=time.monotonic() + _LOOK_SECONDS) - time.monotonic()
        return min(max(due, 0.0), _LOOK_SECONDS)

    def _say_when_due(self) -> None:
        now = time.monotonic()
        if min(self._due, default=now + 1) > now:
            return
        self._due = [each for each in self._due if each > now]
        self._say()
        if any(seen.speaking for seen in list(self._observer.scopes.values())):
            if not self._due:
                self._attachment.take_away(self._observer)
        else:
            self._next *= 2
            self._due.append(now + self._next)

    def findings(self, *, thorough: bool = True) -> list[str]:
        """Return what keeps agents out of the metrics, as far as it is seen."""
        scopes = dict(self._observer.scopes)
        found = _findings.findings(
            self._attachment.provider, scopes, self._instruments, thorough=thorough
        )
        return list(found)

    def _say(self) -> None:
        for sentence in self.findings(thorough=False):
            if sentence not in self._said and process_tree.first_to_say(sentence):
                _logger.warning("agent-analytics: %s", sentence)
            self._said.add(sentence)

    def close(self) -> None:
        """Stop watching; what a program that ends earlier than the first minute lost is said."""
        self._over.set()
        provider.replaced.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        provider.replaced.clear()
        lived = time.monotonic() - self._began
        if self._due and (self._observer.scopes or lived > _SHORT_SECONDS):
            self._say()
        self._attachment.take_away(self._observer)
        _live.discard(self)

    def after_fork(self) -> None:
        """Begin anew with the child's first span."""
        self._thread = None
        self._due = []
        self._observer.after_fork()
        self._observer.started = self._first_span


_live: Final[weakref.WeakSet[Watch]] = weakref.WeakSet()


def _in_child() -> None:
    provider.after_fork()
    for watch in list(_live):
        watch.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
