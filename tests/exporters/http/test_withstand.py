"""Long attacks on the metrics server of a service, with a real Prometheus and printed figures."""

import base64
import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pytest
import trustme
from tests.patience import patience, wait_for
from tests.ports import free_port

from agent_analytics.insights._prometheus.configuration import SCRAPE_INTERVAL

PROMETHEUS = shutil.which("prometheus")
SAMPLES = 100_000
#: Seconds that each attack lasts, and that each figure is taken over.
SECONDS = 12.0
#: Seconds between two tries of who has the right password.
SCRAPE_SECONDS = 5.0
#: What a thread of Python waits for another: less cannot be told from it.
SWITCH_MS = 1_000 * sys.getswitchinterval()

pytestmark = [
    pytest.mark.prove,
    pytest.mark.servers,
    pytest.mark.skipif(PROMETHEUS is None, reason="the prometheus binary is not installed"),
]

Measure = Callable[[], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Service:
    """A service in a process of its own: its port, and what takes its figures."""

    port: int
    measure: Measure


@contextmanager
def service(*arguments: object) -> Generator[Service]:
    """Run ``tests.exporters.host``."""
    command = [sys.executable, "-m", "tests.exporters.host", *map(str, arguments)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        bufsize=1,
    ) as host:
        stdin, stdout = host.stdin, host.stdout
        assert stdin is not None
        assert stdout is not None

        def measure() -> dict[str, float]:
            stdin.write(f"{SECONDS}\n")
            found: dict[str, float] = json.loads(stdout.readline())
            return found

        try:
            yield Service(int(stdout.readline()), measure)
        finally:
            stdin.close()
            host.wait(patience())


@contextmanager
def attackers(number: int, port: int, what: str) -> Generator[None]:
    """Run many attackers in one process: each does ``what`` again and again."""
    code = f"""
import base64, http.client, itertools, socket, ssl, threading, time
PORT = {port}
numbers = itertools.count()
held = []
GET = b"GET /metrics HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"

def again():
    while True:
        try:
            once()
        except OSError:
            time.sleep(0.001)
        except http.client.HTTPException:
            pass

{what}

for _ in range({number}):
    threading.Thread(target=again, daemon=True).start()
time.sleep(3600)
"""
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        try:
            time.sleep(1.0)  # so that all of them are at it: a figure, no event, is waited for
            yield
        finally:
            process.kill()


SCRAPE = """
def once():
    client = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    client.request("GET", "/metrics", headers={HEADERS})
    client.getresponse().read()
    client.close()
"""
DO_NOT_READ = """
def once():
    client = socket.create_connection(("127.0.0.1", PORT), 5)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sendall(GET)
    end = time.time() + 30
    while time.time() < end:
        time.sleep(0.2)
        client.sendall(b"x")
"""
DRIP = """
def once():
    with socket.create_connection(("127.0.0.1", PORT), 5) as client:
        for byte in GET * 100:
            client.sendall(bytes([byte]))
            time.sleep(0.2)
"""
GUESS = """
def once():
    client = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    word = base64.b64encode(b"prom:%d" % next(numbers)).decode()
    client.request("GET", "/metrics", headers={"Authorization": "Basic " + word})
    client.getresponse().read()
    client.close()
"""
#: Each guess is sent some times, so many seconds apart, each time from another address.
GUESS_FROM_EVERYWHERE = """
import collections, random
mine = threading.local()
def once():
    waiting = mine.__dict__.setdefault("waiting", collections.deque())
    if waiting and waiting[0][0] <= time.monotonic():
        _, word, sent = waiting.popleft()
    else:
        word, sent = base64.b64encode(b"prom:%d" % next(numbers)).decode(), 0
    if sent + 1 < TIMES:
        add = waiting.append if APART else waiting.appendleft
        add((time.monotonic() + APART, word, sent + 1))
    source = f"127.{random.randrange(1, 255)}.{random.randrange(255)}.{random.randrange(1, 255)}"
    client = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60, source_address=(source, 0))
    client.request("GET", "/metrics", headers={"Authorization": "Basic " + word})
    client.getresponse().read()
    client.close()
    time.sleep(0.05)
"""
SHAKE_HANDS = """
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
def once():
    with socket.create_connection(("127.0.0.1", PORT), 5) as client, context.wrap_socket(client):
        pass
"""


@contextmanager
def prometheus(place: Path, port: int, **settings: object) -> Generator[Callable[[str], float]]:
    """Scrape a service as our configuration does; yield what returns the value of a query."""
    config = {
        "scrape_configs": [
            {
                "job_name": "service",
                "scrape_interval": SCRAPE_INTERVAL,
                "scrape_timeout": SCRAPE_INTERVAL,
                "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
                **settings,
            }
        ]
    }
    (place / "prometheus.yml").write_text(json.dumps(config))
    own = free_port()
    command = [
        str(PROMETHEUS),
        f"--config.file={place / 'prometheus.yml'}",
        f"--storage.tsdb.path={place / 'data'}",
        f"--web.listen-address=127.0.0.1:{own}",
        "--log.level=error",
    ]

    def value(query: str) -> float:
        url = f"http://127.0.0.1:{own}/api/v1/query?" + urllib.parse.urlencode({"query": query})
        try:
            with urllib.request.urlopen(url, timeout=patience()) as answer:
                found = json.load(answer)["data"]["result"]
        except OSError:
            return 0.0
        return float(found[0]["value"][1]) if found else 0.0

    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            yield value
        finally:
            process.terminate()


def figures(title: str, rows: dict[str, dict[str, float]]) -> None:
    """Print a table of what was measured."""
    names = ("p50", "p99", "worst", "cpu", "mb", "threads")
    lines = [title, f"{'':36}" + "".join(f"{name:>10}" for name in names)]
    lines += [
        f"{name:36}" + "".join(f"{row.get(each, 0.0):10.2f}" for each in names)
        for name, row in rows.items()
    ]
    sys.stdout.write("\n" + "\n".join(lines) + "\n")


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
def test_the_services_own_calls_while_many_scrape(packed: bool) -> None:  # noqa: FBT001 - a parameter
    """With 16 scrapers that make no pause, the p99 of a call is at most twice that with one."""
    headers = '{"Accept-Encoding": "gzip"}' if packed else "{}"
    scrape = SCRAPE.replace("{HEADERS}", headers)
    rows: dict[str, dict[str, float]] = {}
    with service(SAMPLES) as host:
        rows["nobody scrapes"] = host.measure()
        for number in (1, 16):
            with attackers(number, host.port, scrape):
                rows[f"{number} scraping without a pause"] = host.measure()
    figures(f"milliseconds of a call, {SAMPLES:,} samples, {'gzip' if packed else 'plain'}", rows)
    one, many = (rows[f"{number} scraping without a pause"] for number in (1, 16))
    assert many["p99"] <= 2 * max(one["p99"], SWITCH_MS)
    assert many["mb"] <= 1.5 * one["mb"] + 50


@pytest.mark.parametrize(
    ("number", "what"),
    [(16, DO_NOT_READ), (200, DO_NOT_READ), (200, DRIP)],
    ids=["16 that do not read", "200 that do not read", "200 that drip"],
)
def test_hostile_readers(tmp_path: Path, number: int, what: str) -> None:
    """No scrape of Prometheus fails while they are at it, and the service stays as large."""
    with service(SAMPLES) as host, prometheus(tmp_path, host.port) as value:
        wait_for(lambda: value("up") == 1, "the first scrape", every=0.5)
        rows = {"Prometheus alone": host.measure()}
        with attackers(number, host.port, what):
            rows["with them"] = host.measure()
            least = value(f"min_over_time(up[{SECONDS:.0f}s])")
            slowest = value(f"max_over_time(scrape_duration_seconds[{SECONDS:.0f}s])")
    figures(f"{number} hostile readers, {SAMPLES:,} samples", rows)
    sys.stdout.write(f"slowest scrape meanwhile: {slowest:.2f} s\n")
    assert least == 1
    assert rows["with them"]["mb"] <= rows["Prometheus alone"]["mb"] + 100


@pytest.mark.parametrize("known", [True, False], ids=["seen before", "seen for the first time"])
def test_a_hundred_guess(tmp_path: Path, known: bool) -> None:  # noqa: FBT001 - a parameter
    """A hundred clients with ever other passwords burn no core, and Prometheus gets in."""
    hashed = bcrypt.hashpw(b"right", bcrypt.gensalt(10)).decode()
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{prom: {hashed}}}\n")
    credential = {"basic_auth": {"username": "prom", "password": "right"}}
    with service(SAMPLES // 10, tmp_path / "web.yml") as host:
        word = base64.b64encode(b"prom:right").decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{host.port}/metrics",
            headers={"Authorization": f"Basic {word}"},
        )
        if known:
            urllib.request.urlopen(request, timeout=patience()).close()
        rows = {"nobody guesses": host.measure()}
        with (
            attackers(100, host.port, GUESS),
            prometheus(tmp_path, host.port, **credential) as value,
        ):
            began = time.monotonic()
            wait_for(lambda: value("up") == 1, "Prometheus to get in", every=0.2)
            first = time.monotonic() - began
            rows["a hundred guess"] = host.measure()
            least = value(f"min_over_time(up[{SECONDS - 2:.0f}s])")
    figures("wrong passwords, bcrypt cost 10", rows)
    sys.stdout.write(f"Prometheus was let in after {first:.1f} s, then always\n")
    assert least == 1
    assert rows["a hundred guess"]["cpu"] <= 0.75


@pytest.mark.parametrize(
    ("times", "apart", "cost"),
    [
        *[(1, 0.0, 10), (2, 0.0, 10), (3, 0.0, 10), (1, 0.0, 12), (3, 0.0, 12)],
        *[(2, 1.2, 10), (3, 1.2, 10), (3, 2.4, 10), (3, 5.0, 10)],
    ],
)
def test_guesses_from_everywhere(tmp_path: Path, times: int, apart: float, cost: int) -> None:
    """32 guess from as many addresses as they like: the right one is in after few tries."""
    hashed = bcrypt.hashpw(b"right", bcrypt.gensalt(cost)).decode()
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{prom: {hashed}}}\n")
    word = base64.b64encode(b"prom:right").decode()
    attack = f"TIMES, APART = {times}, {apart}\n{GUESS_FROM_EVERYWHERE}"
    tries: list[str] = []
    with (
        service(100, tmp_path / "web.yml") as host,
        attackers(32, host.port, attack),
    ):
        time.sleep(SCRAPE_SECONDS)  # so that guesses have come back, too
        while len(tries) < 6 and not (tries and tries[-1].startswith("200")):
            began = time.monotonic()
            request = urllib.request.Request(
                f"http://127.0.0.1:{host.port}/metrics", headers={"Authorization": f"Basic {word}"}
            )
            try:
                with urllib.request.urlopen(request, timeout=2 * SCRAPE_SECONDS) as answer:
                    said = str(answer.status)
            except urllib.error.HTTPError as error:
                said = str(error.code)
            except OSError as error:
                said = str(error)
            took = time.monotonic() - began
            tries.append(f"{said} after {took:.2f} s")
            time.sleep(max(0.0, SCRAPE_SECONDS - took))
        rows = {"32 guess": host.measure()}
    figures(f"each guess {times} times, {apart} s apart, bcrypt cost {cost}", rows)
    sys.stdout.write(f"the right password, every {SCRAPE_SECONDS:.0f} s: {', '.join(tries)}\n")
    # Guesses that are repeated as slowly and as often as scrapes are as likely to be right.
    assert len(tries) <= (4 if apart >= SCRAPE_SECONDS else 3)


def test_a_flood_of_handshakes(tmp_path: Path) -> None:
    """Fifty clients that shake hands and go burn no core, and no scrape fails."""
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.RSA)
    leaf.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    (tmp_path / "web.yml").write_text(
        "tls_server_config: {cert_file: server.pem, key_file: server.pem}\n"
    )
    tls = {"scheme": "https", "tls_config": {"insecure_skip_verify": True}}
    with (
        service(SAMPLES // 10, tmp_path / "web.yml") as host,
        prometheus(tmp_path, host.port, **tls) as value,
    ):
        wait_for(lambda: value("up") == 1, "the first scrape", every=0.5)
        rows = {"Prometheus alone": host.measure()}
        with attackers(50, host.port, SHAKE_HANDS):
            rows["with them"] = host.measure()
            least = value(f"min_over_time(up[{SECONDS:.0f}s])")
            slowest = value(f"max_over_time(scrape_duration_seconds[{SECONDS:.0f}s])")
    figures("50 that shake hands and go, RSA 2048", rows)
    sys.stdout.write(f"slowest scrape meanwhile: {slowest:.2f} s\n")
    assert least == 1
    assert rows["with them"]["cpu"] <= 0.75
