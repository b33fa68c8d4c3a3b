"""Whoever guesses passwords, or begins TLS handshakes, slows down nobody but the guesser.

Attacks on real sockets; the long forms, with a real Prometheus and figures, are in
``test_withstand.py``.
"""

import base64
import http.client
import itertools
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import bcrypt
import pytest
import trustme
from tests.patience import patience, wait_for

from agent_analytics.exporters import MetricsServer, start_http_server
from agent_analytics.exporters._access.password_line import PasswordLine
from agent_analytics.exporters._access.passwords import Credential, Users
from agent_analytics.processor import AgentMetricsProcessor

RIGHT = ("prom", "right")


def hashed(password: str, cost: int = 4) -> str:
    """Return a bcrypt hash; the least cost unless a test is about the cost."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def basic(name: str, password: str) -> str:
    """Return an ``Authorization`` header."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def ask(
    server: MetricsServer,
    user: tuple[str, str],
    source: str = "127.0.0.1",
) -> tuple[int, str | None]:
    """Return status and ``Retry-After`` of a scrape."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", server.port, timeout=patience(), source_address=(source, 0)
    )
    try:
        connection.request("GET", "/metrics", headers={"Authorization": basic(*user)})
        response = connection.getresponse()
        response.read()
        return response.status, response.headers["Retry-After"]
    finally:
        connection.close()


class Gate:
    """Stands before bcrypt: counts what is checked, and holds it back while shut."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open = threading.Event()
        self.open.set()
        self.checked: list[bytes] = []
        self.at_once = 0
        self._inside = threading.Lock()
        self._real = bcrypt.checkpw
        monkeypatch.setattr(bcrypt, "checkpw", self._check)

    def _check(self, password: bytes, hashed_password: bytes) -> bool:
        self.checked.append(password)
        if not self._inside.acquire(blocking=False):
            self.at_once += 1
            return False
        try:
            assert self.open.wait(patience())
            return self._real(password, hashed_password)
        finally:
            self._inside.release()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Return an open gate before bcrypt."""
    return Gate(monkeypatch)


@pytest.fixture
def server(tmp_path: Path, processor: AgentMetricsProcessor) -> Iterator[MetricsServer]:
    """Run a server with one user."""
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{prom: {hashed('right')}}}\n")
    with start_http_server(processor, web_config=tmp_path / "web.yml") as server:
        yield server


class TestGuesses:
    """Wrong passwords."""

    def test_a_right_password_seen_lately_waits_for_no_check(
        self, server: MetricsServer, gate: Gate
    ) -> None:
        """While a check of a guess goes on, and others wait, who is known is let in at once."""
        assert ask(server, RIGHT)[0] == 200
        gate.open.clear()
        with ThreadPoolExecutor(5) as pool:
            guesses = [pool.submit(ask, server, ("prom", str(guess))) for guess in range(5)]
            wait_for(lambda: len(gate.checked) == 2, "a guess to be checked")
            assert [ask(server, RIGHT)[0] for _ in range(3)] == [200] * 3
            gate.open.set()
            assert {guess.result(patience())[0] for guess in guesses} <= {401, 429}
        assert gate.checked.count(b"right") == 1

    def test_few_guesses_wait_and_others_come_again(
        self, server: MetricsServer, gate: Gate
    ) -> None:
        """One is checked, four of an address wait, 16 in all; others get 429 and when to come."""
        gate.open.clear()
        asked = threading.Semaphore(0)

        def guess(number: int) -> tuple[int, str | None]:
            try:
                return ask(server, ("prom", str(number)), f"127.0.0.{2 + number // 8}")
            finally:
                asked.release()

        with ThreadPoolExecutor(40) as pool:
            first = pool.submit(guess, 0)
            wait_for(lambda: gate.checked, "a guess to be checked")
            guesses = [first, *(pool.submit(guess, number) for number in range(1, 40))]
            for _ in range(40 - 17):
                assert asked.acquire(timeout=patience())
            sent_away = [each.result() for each in guesses if each.done()]
            gate.open.set()
            statuses = [each.result(patience())[0] for each in guesses]
        assert sorted(statuses) == [401] * 17 + [429] * 23
        assert all(status == 429 and int(after or 0) >= 4 for status, after in sent_away)
        assert gate.at_once == 0

    def test_the_same_guess_by_many_is_one_check(self, server: MetricsServer, gate: Gate) -> None:
        """A hundred scrapers with the same stale password cost one hash, then none."""
        gate.open.clear()
        with ThreadPoolExecutor(20) as pool:
            guesses = [pool.submit(ask, server, ("prom", "stale")) for _ in range(20)]
            wait_for(lambda: gate.checked, "the guess to be checked")
            gate.open.set()
            assert {guess.result(patience())[0] for guess in guesses} == {401}
        assert ask(server, ("prom", "stale"))[0] == 401
        assert len(gate.checked) == 1

    def test_a_right_password_gets_in_for_the_first_time_during_a_flood(
        self, tmp_path: Path, processor: AgentMetricsProcessor
    ) -> None:
        """Of the flood's own address, at a cost that is usual, by coming again as scrapers do."""
        (tmp_path / "web.yml").write_text(f"basic_auth_users: {{prom: {hashed('right', 10)}}}\n")
        numbers, stop = itertools.count(), threading.Event()

        def flood(served: MetricsServer) -> None:
            while not stop.is_set():
                ask(served, ("prom", f"guess {next(numbers)}"))

        with start_http_server(processor, web_config=tmp_path / "web.yml") as server:
            threads = [threading.Thread(target=flood, args=(server,)) for _ in range(12)]
            for thread in threads:
                thread.start()
            try:
                wait_for(lambda: next(numbers) > 60, "the flood to rise")
                wait_for(lambda: ask(server, RIGHT)[0] == 200, "to be let in", every=0.3)
                assert ask(server, RIGHT)[0] == 200
            finally:
                stop.set()
                for thread in threads:
                    thread.join(patience())

    def test_a_password_that_is_changed_while_it_is_checked(
        self, tmp_path: Path, server: MetricsServer, gate: Gate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was right by the file that is gone is checked by the one that is there."""
        monkeypatch.setattr("agent_analytics.exporters._access.web_config._LOOK_SECONDS", 0.0)
        gate.open.clear()
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(ask, server, RIGHT)
            wait_for(lambda: gate.checked, "the password to be checked")
            new = tmp_path / "new.yml"
            new.write_text(f"basic_auth_users: {{prom: {hashed('another')}}}\n")
            new.replace(tmp_path / "web.yml")
            gate.open.set()
            assert asked.result(patience())[0] == 401
        assert ask(server, ("prom", "another"))[0] == 200
        assert ask(server, RIGHT)[0] == 401

    def test_closing_does_not_wait_for_the_line(
        self, server: MetricsServer, gate: Gate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A server with checks under way closes, and leaves no thread when they are done."""
        monkeypatch.setattr("agent_analytics.exporters._http.reception._CLOSE_SECONDS", 0.1)
        gate.open.clear()
        with ThreadPoolExecutor(3) as pool:
            guesses = [pool.submit(ask, server, ("prom", str(guess))) for guess in range(3)]
            wait_for(lambda: gate.checked, "a guess to be checked")
            closing = threading.Thread(target=server.close)
            closing.start()
            for guess in guesses:
                assert isinstance(guess.exception(patience()), OSError | http.client.HTTPException)
            gate.open.set()
            closing.join(patience())
        names = "agent-analytics-http"
        wait_for(
            lambda: not any(each.name.startswith(names) for each in threading.enumerate()),
            "every thread to end",
        )


class TestTheLine:
    """Who is checked first, and who waits."""

    def enter(
        self, line: PasswordLine, users: Users, password: str, address: str
    ) -> Callable[[], list[object]]:
        """Let a credential wait; return what shows the outcome."""
        credential = users.read(basic("prom", password))
        assert credential is not None
        outcome: list[object] = []
        line.enter(users, credential, address, outcome.append, outcome.append)
        return lambda: outcome

    def test_addresses_without_failures_go_first(self, gate: Gate) -> None:
        """Whoever has failed waits for those who have not, however late these come."""
        users, line = Users({"prom": hashed("right")}), PasswordLine()
        wait_for(self.enter(line, users, "wrong", "10.0.0.1"), "the first guess")
        gate.open.clear()
        self.enter(line, users, "held", "10.0.0.3")
        wait_for(lambda: len(gate.checked) == 2, "the gate")
        guess = self.enter(line, users, "another", "10.0.0.1")
        right = self.enter(line, users, "right", "10.0.0.2")
        gate.open.set()
        assert (wait_for(right, "the right one"), wait_for(guess, "the guess")) == ([True], [False])
        assert gate.checked[2:] == [b"right", b"another"]
        line.close()

    def test_failures_slow_down_the_one_who_fails(self, gate: Gate) -> None:
        """After eight failures each costs its address twice as long; another address waits less."""
        users, line = Users({"prom": hashed("right")}), PasswordLine()
        began = time.monotonic()
        for number in range(12):
            wait_for(self.enter(line, users, str(number), "10.0.0.1"), "a guess", every=0.002)
        assert time.monotonic() - began >= 0.1 + 0.2 + 0.4
        gate.checked.clear()
        self.enter(line, users, "slow", "10.0.0.1")
        wait_for(self.enter(line, users, "right", "10.0.0.2"), "another address", every=0.002)
        assert gate.checked == [b"right"]
        line.close()

    def test_guesses_from_everywhere_burn_a_quarter_of_a_core(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After a failure nothing is checked for three times as long as it took, whose it was."""
        took: list[float] = []
        real = bcrypt.checkpw

        def timed(password: bytes, hashed_password: bytes) -> bool:
            began = time.thread_time()
            found = real(password, hashed_password)
            took.append(time.thread_time() - began)
            return found

        monkeypatch.setattr(bcrypt, "checkpw", timed)
        users, line = Users({"prom": hashed("right", 9)}), PasswordLine()
        began = time.monotonic()
        guesses = [self.enter(line, users, str(n), f"10.0.0.{n}") for n in range(6)]
        wait_for(lambda: all(guess() for guess in guesses), "every guess")
        assert time.monotonic() - began >= 4 * sum(took[:-1])
        line.close()

    def test_addresses_of_one_customer_are_one(self, gate: Gate) -> None:
        """Addresses of IPv6 that one provider's customer has all of count as one address."""
        users, line = Users({"prom": hashed("right")}), PasswordLine()
        gate.open.clear()
        self.enter(line, users, "held", "2001:db8:1::1")
        wait_for(lambda: gate.checked, "the gate")
        outcomes = [
            self.enter(line, users, str(number), f"2001:db8:1::{number:x}") for number in range(9)
        ]
        assert [bool(outcome()) for outcome in outcomes] == [False] * 4 + [True] * 5
        assert not self.enter(line, users, "x", "2001:db8:2::1")()
        assert not self.enter(line, users, "y", "::ffff:10.0.0.1")()
        gate.open.set()
        line.close()

    def test_what_was_sent_away_goes_first_when_it_comes_again(self, gate: Gate) -> None:
        """It takes the place of a guess that waits: who guesses tries another one instead."""
        later = [0.0]
        users = Users({"prom": hashed("right")})
        line = PasswordLine(lambda: later[0] + time.monotonic())
        wait_for(self.enter(line, users, "wrong", "10.0.0.1"), "the first guess")
        gate.open.clear()
        self.enter(line, users, "held", "10.0.0.9")
        wait_for(lambda: len(gate.checked) == 2, "the gate")
        guesses = [self.enter(line, users, str(number), "10.0.0.1") for number in range(4)]
        first = self.enter(line, users, "right", "10.0.0.1")
        assert first()
        assert first()[0] is not True
        later[0] = 4.5
        again = self.enter(line, users, "right", "10.0.0.1")
        assert [bool(guess()) for guess in guesses] == [False] * 3 + [True]
        gate.open.set()
        assert wait_for(again, "the right one") == [True]
        assert gate.checked[2] == b"right"
        line.close()

    def test_a_credential_does_not_show_its_password(self) -> None:
        """Neither in a traceback nor in a log."""
        assert "s3cret" not in repr(Credential("prom", b"s3cret", b""))


class TestHandshakes:
    """TLS that is begun and not ended."""

    @pytest.fixture
    def server(self, tmp_path: Path, processor: AgentMetricsProcessor) -> Iterator[MetricsServer]:
        """Run a server with a certificate."""
        self.authority = trustme.CA()
        leaf = self.authority.issue_cert("127.0.0.1")
        leaf.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
        (tmp_path / "web.yml").write_text(
            "tls_server_config: {cert_file: server.pem, key_file: server.pem}\n"
        )
        with start_http_server(processor, web_config=tmp_path / "web.yml") as server:
            yield server

    def scrape(self, server: MetricsServer) -> int:
        """Return the status of a scrape."""
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=self.authority.cert_pem.bytes().decode())
        connection = http.client.HTTPSConnection(
            "127.0.0.1", server.port, timeout=patience(), context=context
        )
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().status
        finally:
            connection.close()

    @pytest.mark.parametrize(
        "sent",
        [
            pytest.param(b"", id="silent"),
            pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="half a hello"),
            pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no TLS"),
            pytest.param(os.urandom(600), id="noise"),
        ],
    )
    def test_a_scrape_gets_through(self, server: MetricsServer, sent: bytes) -> None:
        """A hundred clients that end no handshake keep no scrape out."""
        with ExitStack() as clients:
            for _ in range(100):
                client = socket.create_connection(("127.0.0.1", server.port), patience())
                clients.enter_context(client)
                client.sendall(sent)
            assert self.scrape(server) == 200

    def test_a_slow_reader_of_much_gets_all_of_it(
        self, server: MetricsServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What one write could not take goes on where it stopped, record by record."""
        text = b"".join(b"# %d\n" % number for number in range(400_000))

        def text_of(snapshot: object, *, openmetrics: bool) -> Iterator[bytes]:
            del snapshot, openmetrics
            yield text

        monkeypatch.setattr("agent_analytics.exporters._http.renderings.text_of", text_of)
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=self.authority.cert_pem.bytes().decode())
        with (
            socket.create_connection(("127.0.0.1", server.port), patience()) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as client,
        ):
            client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            got = bytearray()
            while chunk := client.recv(5_000):
                got += chunk
        assert got.partition(b"\r\n\r\n")[2] == text

    def test_a_flood_of_handshakes(self, server: MetricsServer) -> None:
        """Clients that shake hands and go, as fast as they can, keep no scrape out."""
        stop = threading.Event()
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

        def flood() -> None:
            while not stop.is_set():
                try:
                    with (
                        socket.create_connection(("127.0.0.1", server.port), patience()) as client,
                        context.wrap_socket(client),
                    ):
                        pass
                except OSError:
                    continue

        threads = [threading.Thread(target=flood) for _ in range(6)]
        for thread in threads:
            thread.start()
        try:
            assert [self.scrape(server) for _ in range(3)] == [200] * 3
        finally:
            stop.set()
            for thread in threads:
                thread.join(patience())
