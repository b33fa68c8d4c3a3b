"""Passwords that wait to be checked: few of them, in a thread of their own, the likely ones first.

A bcrypt hash takes a good part of a second by design. Whoever may make others compute them can burn
a core and keep everybody else waiting, so that they are few: what does not fit, or has waited for
five seconds, is sent away, to come again. First come credentials that came back most often, from
wherever: who guesses tries another one, who is right comes with the same, and addresses cost
nothing. Of those that came as often, first come those that came longest ago; of those that came
once, those of addresses without failures.

After a failure nothing is checked for three times as long as it took, except once what came back
more often than what failed, whose own rest is added. Nothing that came once is checked of an
address that fails for longer with each failure.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from typing import Final

from agent_analytics.exporters._access.passwords import Credential, Users
from agent_analytics.exporters._access.unchecked import APART_SECONDS, Came, Unchecked
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
#: Who has waited for so long is sent away: a scraper gives up after 10 seconds.
_PATIENCE_SECONDS: Final = 5.0
#: Failures are forgotten when the address has had none for so long.
_FORGIVEN_SECONDS: Final = 600.0
_ADDRESSES: Final = 1_024
#: A provider gives each customer so many bits of IPv6, at least.
_CUSTOMER_BITS: Final = 64

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
    entered: float
    came: Came
    thens: list[Then] = field(default_factory=list[Then])
    refused: list[Callable[[float], None]] = field(default_factory=list[Callable[[float], None]])


class PasswordLine:
    """Checks passwords one after the other, in a thread that lives while there are some."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._waiting: list[_Check] = []
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._unchecked = Unchecked()
        self._rests_until = -math.inf
        #: How often what need not wait for the end of the rest came back, at least.
        self._rests_for: float = 0
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
        sent_away: list[tuple[_Check, float]] = []
        with self._changed:
            now = self._clock()
            sent_away += self._take_late(now)
            came = self._unchecked.note(credential.digest, now)
            check = self._same(users, credential)
            if check is None:
                check = _Check(users, credential, address, now, came, [then], [refused])
                out = self._out(check, now)
                if out is not None:
                    sent_away.append((out, self._after(out, now)))
                if out is not check and not self._closed:
                    self._waiting.append(check)
            else:
                check.came = came
                check.thens.append(then)
                check.refused.append(refused)
            if self._waiting:
                self._work()
        _refuse(sent_away)

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
        if found is None or self._clock() - found.last > _FORGIVEN_SECONDS:
            return _Failures()
        return found

    def _same(self, users: Users, credential: Credential) -> _Check | None:
        for each in self._waiting:
            if each.credential.digest == credential.digest and each.users is users:
                return each
        return None

    def _order(self, check: _Check) -> tuple[int, bool, float]:
        """Return what is smaller for a credential that is more likely to be right."""
        fails = not check.came.returns and self._of(check.address).count > 0
        return -check.came.returns, fails, check.came.first

    def _free_at(self, check: _Check) -> float:
        """When the failures of its address let a check begin; one that came back does not wait."""
        return -math.inf if check.came.returns else self._of(check.address).free_at

    def _after(self, check: _Check, now: float) -> float:
        return max(APART_SECONDS, self._of(check.address).free_at - now)

    def _out(self, check: _Check, now: float) -> _Check | None:
        """Make room for a check and return who goes, which may be the new one itself."""
        if self._free_at(check) > now + _MOST_WAIT:
            return check
        rivals = [each for each in self._waiting if each.address == check.address]
        if len(rivals) < _MOST_OF_ADDRESS:
            rivals = self._waiting
            if len(rivals) < _MOST:
                return None
        last = max(rivals, key=self._order)
        if self._order(last) <= self._order(check):
            return check
        self._waiting.remove(last)
        return last

    def _take_late(self, now: float) -> list[tuple[_Check, float]]:
        """Take out who has waited too long."""
        late = [each for each in self._waiting if now - each.entered >= _PATIENCE_SECONDS]
        for each in late:
            self._waiting.remove(each)
        return [(each, self._after(each, now)) for each in late]

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
        while (step := self._next()) is not None:
            check, late = step
            _refuse(late)
            if check is not None:
                self._check(check)

    def _check(self, check: _Check) -> None:
        begun, owed = time.thread_time(), max(0.0, self._rests_until - self._clock())
        try:
            right = check.users.known(check.credential)
            right = check.users.check(check.credential) if right is None else right
        except Exception:  # noqa: BLE001 - one password must not end the thread
            note_internal_error("exporters.passwords")
            right = False
        took, now = time.thread_time() - begun, self._clock()
        with self._changed:
            self._unchecked.forget(check.credential.digest)
            if not right:
                # What did not wait for the end of a rest makes it longer; nothing more may.
                self._rests_for = math.inf if owed else check.came.returns + 1
                self._rests_until = now + owed + _REST * took
                self._note_failure(check.address, now)
        for each in check.thens:
            each(right)

    def _next(self) -> tuple[_Check | None, list[tuple[_Check, float]]] | None:
        """Wait for what is to be done next: who is checked, and who is sent away."""
        with self._changed:
            while self._waiting and not self._closed:
                now = self._clock()
                late = self._take_late(now)
                if late:
                    return None, late
                best = min(self._waiting, key=lambda each: self._begins(each, now))
                begins = self._begins(best, now)[0]
                if begins <= now:
                    self._waiting.remove(best)
                    return best, []
                oldest = min(each.entered for each in self._waiting)
                self._changed.wait(min(begins, oldest + _PATIENCE_SECONDS) - now)
            self._thread = None
            return None

    def _begins(self, check: _Check, now: float) -> tuple[float, tuple[int, bool, float]]:
        """Return when a check may begin, and what is smaller for who goes first."""
        rests = self._rests_until if check.came.returns < self._rests_for else -math.inf
        return max(now, rests, self._free_at(check)), self._order(check)

    def _note_failure(self, address: str, now: float) -> None:
        failures = self._of(address)
        failures.count += 1
        failures.last = now
        self._failures[address] = failures
        self._failures.move_to_end(address)
        if len(self._failures) > _ADDRESSES:
            self._failures.popitem(last=False)


def _refuse(sent_away: list[tuple[_Check, float]]) -> None:
    for check, after in sent_away:
        for refuse in check.refused:
            refuse(after)


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
