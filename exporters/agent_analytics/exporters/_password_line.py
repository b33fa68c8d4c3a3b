"""Passwords that wait to be checked: few of them, in a thread of their own, the likely ones first.

A bcrypt hash takes a good part of a second by design. Whoever may make others compute them can burn
a core and keep everybody else waiting, so that they are few: what does not fit is sent away, to
come again. First come those of addresses without failures, then those that were sent away before:
who guesses tries another one, who is right comes with the same. After a failure nothing is checked
for three times as long as it took, and nothing of that address for longer with each failure.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Final

from agent_analytics.exporters._passwords import Credential, Users
from agent_analytics.instrumentation.health import note_internal_error

#: Checks that wait at once; as many of one address.
_MOST: Final = 16
_MOST_OF_ADDRESS: Final = 4
#: Seconds without a check after a failure, for each second that it took.
_REST: Final = 3.0
#: Failures of an address that cost it nothing further, and what more of them cost, in seconds.
_FREE_FAILURES: Final = 8
_LEAST_PENALTY: Final = 0.1
_MOST_PENALTY: Final = 10.0
#: Who would have to wait for longer is sent away at once.
_MOST_WAIT: Final = 1.0
#: Failures are forgotten when the address has had none for so long.
_FORGIVEN_SECONDS: Final = 600.0
_ADDRESSES: Final = 1_024
_SENT_AWAY: Final = 16_384
#: A provider gives each customer so many bits of IPv6, at least.
_CUSTOMER_BITS: Final = 64

#: How likely it is that a credential is right: its address has not failed, or it was sent away
#: before, or neither.
_CLEAN, _AGAIN, _GUESS = range(3)

#: Takes whether a credential is right.
Then = Callable[[bool], None]


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last: float = -math.inf

    @property
    def free_at(self) -> float:
        """When the next check may begin."""
        over = self.count - _FREE_FAILURES
        if over <= 0:
            return -math.inf
        penalty: float = _LEAST_PENALTY * 2.0 ** min(over - 1, 10)
        return self.last + min(_MOST_PENALTY, penalty)


@dataclass(slots=True)
class _Check:
    users: Users
    credential: Credential
    address: str
    again: bool
    thens: list[Then] = field(default_factory=list[Then])
    refused: list[Callable[[float], None]] = field(default_factory=list[Callable[[float], None]])


class PasswordLine:
    """Checks passwords one after the other, in a thread that lives while there are some."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[_Check] = []
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._sent_away: OrderedDict[bytes, None] = OrderedDict()
        self._rests_until = -math.inf
        self._thread: threading.Thread | None = None
        self._closed = False

    def enter(
        self,
        users: Users,
        credential: Credential,
        address: str,
        then: Then,
        refused: Callable[[float], None],
    ) -> None:
        """Have a credential checked.

        Args:
            users: Who may be right.
            credential: What was sent.
            address: Where it came from.
            then: Called with whether it is right, in another thread.
            refused: Called, in any thread, with the seconds to come again after, where the line
                is too long.
        """
        address = _customer(address)
        sent_away: _Check | None = None
        with self._changed:
            for each in self._waiting:
                if each.credential.digest == credential.digest and each.users is users:
                    each.thens.append(then)
                    each.refused.append(refused)
                    return
            failures = self._of(address)
            again = credential.digest in self._sent_away
            check = _Check(users, credential, address, again, [then], [refused])
            full, crowded = len(self._waiting) >= _MOST, self._many_of(address)
            if self._rank(check) == _GUESS and failures.free_at > time.monotonic() + _MOST_WAIT:
                sent_away = check
            elif full or crowded:
                sent_away = self._less_likely(check, address if crowded else None)
            if sent_away is not None:
                self._note_sent_away(sent_away.credential.digest)
            if sent_away is not check and not self._closed:
                self._waiting.append(check)
                self._work()
            after = max(1.0, failures.free_at - time.monotonic())
        if sent_away is not None:
            for refuse in sent_away.refused:
                refuse(after)

    def close(self) -> None:
        """End: what waits is not answered."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(2.0)

    # --- who waits; all of this with the lock ---------------------------------------------------

    def _of(self, address: str) -> _Failures:
        found = self._failures.get(address)
        if found is None or time.monotonic() - found.last > _FORGIVEN_SECONDS:
            return _Failures()
        return found

    def _rank(self, check: _Check) -> int:
        if not self._of(check.address).count:
            return _CLEAN
        return _AGAIN if check.again else _GUESS

    def _many_of(self, address: str) -> bool:
        return sum(each.address == address for each in self._waiting) >= _MOST_OF_ADDRESS

    def _less_likely(self, check: _Check, address: str | None) -> _Check:
        """Return who goes: the last of those that are less likely to be right, or the new one."""
        for each in reversed(self._waiting):
            if self._rank(each) > self._rank(check) and address in {None, each.address}:
                self._waiting.remove(each)
                return each
        return check

    def _note_sent_away(self, digest: bytes) -> None:
        self._sent_away[digest] = None
        self._sent_away.move_to_end(digest)
        if len(self._sent_away) > _SENT_AWAY:
            self._sent_away.popitem(last=False)

    def _work(self) -> None:
        self._changed.notify_all()
        if self._thread is None:
            thread = threading.Thread(target=self._run, name="agent-analytics-http-passwords")
            thread.daemon = True
            try:
                thread.start()
            except RuntimeError:  # no more threads to be had: those who come later may have one
                return
            self._thread = thread

    # --- the checking thread --------------------------------------------------------------------

    def _run(self) -> None:
        while (check := self._next()) is not None:
            begun = time.thread_time()
            try:
                right = check.users.known(check.credential)
                right = check.users.check(check.credential) if right is None else right
            except Exception:  # noqa: BLE001 - one password must not end the thread
                note_internal_error("exporters.passwords")
                right = False
            took, now = time.thread_time() - begun, time.monotonic()
            with self._changed:
                self._sent_away.pop(check.credential.digest, None)
                if not right:
                    self._rests_until = now + _REST * took
                    self._note_failure(check.address, now)
            for each in check.thens:
                each(right)

    def _next(self) -> _Check | None:
        with self._changed:
            while self._waiting and not self._closed:
                now = time.monotonic()
                best = min(self._waiting, key=lambda each: self._begins(each, now))
                begins = self._begins(best, now)[0]
                if begins <= now:
                    self._waiting.remove(best)
                    return best
                self._changed.wait(begins - now)
            self._thread = None
            return None

    def _begins(self, check: _Check, now: float) -> tuple[float, int]:
        """Return when a check may begin, and how many kinds of others go first."""
        rank = self._rank(check)
        own = self._of(check.address).free_at if rank == _GUESS else -math.inf
        return max(now, self._rests_until, own), rank

    def _note_failure(self, address: str, now: float) -> None:
        failures = self._of(address)
        failures.count += 1
        failures.last = now
        self._failures[address] = failures
        self._failures.move_to_end(address)
        if len(self._failures) > _ADDRESSES:
            self._failures.popitem(last=False)


def _customer(address: str) -> str:
    """Return what stands for everybody who has as many addresses as the one who has this one."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(found, IPv6Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(int(found) >> (128 - _CUSTOMER_BITS))
