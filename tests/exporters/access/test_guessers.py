"""However many addresses send wrong passwords, and however often each, the right one gets in.

The line of passwords and its memory with a clock that the tests move on; the long form, with real
sockets and printed figures, is in ``test_withstand.py``.
"""

import random
import time
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exporters.access.test_guesses import Gate, basic, hashed
from tests.patience import wait_for

from agent_analytics.exporters._access import password_line, unchecked
from agent_analytics.exporters._access.password_line import PasswordLine
from agent_analytics.exporters._access.passwords import Credential, Users
from agent_analytics.exporters._access.unchecked import APART_SECONDS, MOST_RETURNS, Unchecked

#: Whether a credential is right, or that it is sent away.
Outcome = list[bool | str]


@dataclass
class Clock:
    """The clock of the machine, moved on."""

    moved: float = 0.0

    def __call__(self) -> float:
        """Return its seconds."""
        return self.moved + time.monotonic()


@dataclass
class Door:
    """A line of passwords with a clock of its own."""

    clock: Clock = field(default_factory=Clock)
    users: Users = field(default_factory=lambda: Users({"prom": hashed("right")}))

    def __post_init__(self) -> None:
        self.line = PasswordLine(self.clock)

    def enter(self, password: str, address: str = "10.0.0.1") -> Outcome:
        """Let a credential wait; what is returned gets the outcome."""
        credential = self.users.read(basic("prom", password))
        assert credential is not None
        outcome: Outcome = []
        self.line.enter(
            self.users,
            credential,
            address,
            outcome.append,
            lambda after: outcome.append(f"again after {after} s"),
        )
        return outcome

    def fail(self, address: str = "10.0.0.1", word: str = "wrong") -> None:
        """Have a wrong password checked."""
        outcome = self.enter(f"{word} {address}", address)
        assert wait_for(lambda: outcome, "a failure", every=0.002) == [False]

    def hold(self, gate: Gate) -> None:
        """Have a guess checked until the gate is opened."""
        before = len(gate.checked)
        gate.open.clear()
        self.enter(f"held {self.clock.moved}", "10.255.0.1")
        wait_for(lambda: len(gate.checked) > before, "the gate")


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Return an open gate before bcrypt."""
    return Gate(monkeypatch)


@pytest.mark.parametrize(
    ("times", "apart", "tries"),
    [
        pytest.param(1, 0.0, 2, id="once"),
        pytest.param(2, 0.0, 2, id="twice at once"),
        pytest.param(3, 0.0, 2, id="three times at once"),
        pytest.param(2, 1.2, 3, id="twice, a second apart"),
        pytest.param(3, 1.2, 3, id="three times, a second apart"),
        pytest.param(3, 2.4, 3, id="three times, two seconds apart"),
        pytest.param(2, 5.0, 3, id="twice, like a scraper"),
        pytest.param(3, 5.0, 4, id="three times, like a scraper"),
        pytest.param(9, 1.2, 4, id="nine times, a second apart"),
    ],
)
@pytest.mark.parametrize("addresses", [1, 5, 2**24])
def test_the_right_one_is_checked_next(
    gate: Gate, addresses: int, times: int, apart: float, tries: int
) -> None:
    """At one more try than a guess has, all of them apart, it goes before hundreds of guesses."""
    door, pick = Door(), random.Random(7)
    for name in range(min(addresses, 9)):  # addresses that have failed already
        door.fail(f"10.0.0.{name}")
    door.hold(gate)
    comings = [(2.5 + 5.0 * one, "right") for one in range(tries)]
    for number in range(150 * tries):
        first = pick.uniform(0.0, 5.0 * tries - 2.5)
        comings += [(first + apart * one, f"guess {number}") for one in range(times)]
    found: Outcome = []
    for moved, password in sorted(comings):
        if moved > comings[tries - 1][0]:
            break
        door.clock.moved, number = moved, pick.randrange(addresses)
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        outcome = door.enter(password, "10.0.0.1" if password == "right" else address)
        if password == "right":
            found = outcome
    before = len(gate.checked)
    gate.open.set()
    assert wait_for(lambda: found, "the right one") == [True]
    assert gate.checked[before] == b"right"
    door.line.close()


def test_nobody_waits_for_longer_than_a_scraper(gate: Gate) -> None:
    """What is not checked within five seconds is sent away, and known when it comes again."""
    door = Door()
    door.hold(gate)
    first = door.enter("right")
    door.clock.moved += 4.9
    second = door.enter("wrong")
    assert (first, second) == ([], [])
    door.clock.moved += 0.2
    door.enter("another", "10.0.0.2")
    assert first
    assert first[0] is not True
    assert second == []
    again = door.enter("right")
    gate.open.set()
    assert wait_for(lambda: again, "the right one") == [True]
    assert gate.checked[1] == b"right"
    door.line.close()


def test_the_line_itself_sends_away_who_waits_too_long(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While nothing is checked for a long time, and nobody comes, who waits is answered, too."""
    monkeypatch.setattr(password_line, "_REST", 1e9)
    monkeypatch.setattr(password_line, "_PATIENCE_SECONDS", 0.05)
    door = Door()
    door.fail()
    late = door.enter("right")
    assert wait_for(lambda: late, "an answer") != [True]
    assert gate.checked == [b"wrong 10.0.0.1"]
    door.line.close()


def test_a_rest_does_not_keep_waiting_who_came_back(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rest after a guess is not for what came back; if that fails, both rests have to pass."""
    monkeypatch.setattr(password_line, "_REST", 1e9)
    door = Door()

    def again(password: str, times: int) -> Outcome:
        outcomes: list[Outcome] = []
        for _ in range(times):
            door.clock.moved += 4.0
            outcomes.append(door.enter(password, "10.0.0.2"))
        return outcomes[-1]

    door.fail()
    back = again("twice", 2)
    assert wait_for(lambda: back, "who came back") == [False]
    monkeypatch.setattr(password_line, "_PATIENCE_SECONDS", 0.2)
    late = again("three times", 3)
    assert wait_for(lambda: late, "an answer") != [False]
    assert gate.checked == [b"wrong 10.0.0.1", b"twice"]
    door.line.close()


def test_who_is_right_ends_no_rest(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A right one that did not wait leaves the rest as it was, for guesses."""
    monkeypatch.setattr(password_line, "_REST", 1e9)
    door = Door()
    door.fail()
    door.enter("right")
    door.clock.moved += 4.5
    back = door.enter("right")
    assert wait_for(lambda: back, "the right one") == [True]
    monkeypatch.setattr(password_line, "_PATIENCE_SECONDS", 0.2)
    guess = door.enter("guess")
    assert wait_for(lambda: guess, "an answer") != [False]
    assert gate.checked == [b"wrong 10.0.0.1", b"right"]
    door.line.close()


def test_failures_of_an_address_do_not_delay_who_came_back(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind one proxy everybody has one address: its failures delay guesses alone."""
    monkeypatch.setattr(password_line, "_LEAST_PENALTY", 1e9)
    monkeypatch.setattr(password_line, "_MOST_PENALTY", 1e9)
    door = Door()
    for number in range(9):
        door.fail(word=f"wrong {number}")
    (said,) = door.enter("right")
    assert isinstance(said, str)
    door.clock.moved += 4.5
    back = door.enter("right")
    assert wait_for(lambda: back, "the right one") == [True]
    assert len(gate.checked) == 10
    door.line.close()


def test_to_repeat_a_wrong_one_gains_nothing(gate: Gate) -> None:
    """Three hundred other failures later a wrong password is known, without another hash."""
    users = Users({"prom": hashed("right")})
    found = [users.read(basic("prom", str(number))) for number in range(300)]
    credentials = [each for each in found if each is not None]
    assert not any(map(users.check, credentials))
    assert [users.known(each) for each in credentials] == [False] * 300
    assert len(gate.checked) == 300


def test_another_file_knows_nothing_of_the_former() -> None:
    """What was wrong, or came back, by a file that is gone is another credential by the next."""
    digests: list[bytes] = []
    for _ in range(2):
        credential = Users({"prom": hashed("right")}).read(basic("prom", "right"))
        assert isinstance(credential, Credential)
        digests.append(credential.digest)
    assert digests[0] != digests[1]


class TestTheMemory:
    """Of credentials that are not checked yet."""

    @pytest.mark.parametrize("times", [1, 4])
    def test_a_flood_takes_no_room_of_others(self, times: int) -> None:
        """What came before fifty thousand others, each as often, is known then."""
        memory = Unchecked()
        memory.note(b"right", 0.0)
        for time_ in range(times):
            for number in range(50_000 // times):
                memory.note(b"%d" % number, number / 50_000 + 4.0 * time_)
        assert memory.note(b"right", 19.0).returns == 1
        assert len(memory) <= 16_384 * 2.8

    @pytest.mark.parametrize("times", [1, 3])
    def test_what_came_long_ago_makes_room(self, times: int) -> None:
        """Guesses that were repeated and left alone keep no later one from being known."""
        memory = Unchecked()
        for time_ in range(times):
            for number in range(20_000):
                memory.note(b"%d" % number, 4.0 * time_)
        assert memory.note(b"right", 100.0).returns == 0
        for number in range(20_000):
            memory.note(b"new %d" % number, 101.0)
        assert [memory.note(b"right", 105.0 + 5.0 * time_).returns for time_ in range(8)] == [
            *range(1, 8),
            MOST_RETURNS,
        ]

    def test_what_is_checked_is_forgotten(self) -> None:
        """It comes anew afterwards, and what nobody knows can be forgotten, too."""
        memory = Unchecked()
        memory.note(b"a", 0.0)
        memory.note(b"a", 5.0)
        memory.forget(b"a")
        memory.forget(b"b")
        assert len(memory) == 0
        assert memory.note(b"a", 10.0).returns == 0

    @given(
        comings=st.lists(
            st.tuples(st.integers(0, 40), st.floats(0.0, 9.0), st.booleans()), max_size=300
        )
    )
    def test_it_is_bounded_and_counts_no_more_than_came(
        self, comings: list[tuple[int, float, bool]]
    ) -> None:
        """Nothing counts for more than its comings a second apart; room is kept whatever comes."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(unchecked, "_ROOM", 8)
            memory, now = Unchecked(), 0.0
            counted: dict[bytes, tuple[int, float]] = {}
            for number, seconds, checked in comings:
                now += seconds
                digest = b"%d" % number
                if checked:
                    memory.forget(digest)
                    counted.pop(digest, None)
                    continue
                came = memory.note(digest, now)
                times, last = counted.get(digest, (-1, -1.0))
                if times < 0 or now - last >= APART_SECONDS:
                    times, last = times + 1, now
                    counted[digest] = (times, last)
                assert came.returns <= min(times, MOST_RETURNS)
                assert came.first <= now
                assert len(memory) <= sum(8 // level for level in range(1, 9))
