"""configure(exporters=...): further ways for the metrics to leave, each an object of its own."""

import socket
from collections.abc import Callable
from urllib.request import urlopen

import pytest
from tests.exporters.conftest import record
from tests.patience import patience, wait_for

from agent_analytics.exporters import Exporter, configure
from agent_analytics.exporters._exporters import Read

INVOCATIONS = "marketplace_agent_invocations_total"


class Datagrams:
    """Sends every counter to a port over UDP when it is asked to, and when it ends.

    Args:
        port: Of this machine.
    """

    def __init__(self, port: int) -> None:
        self._to = ("127.0.0.1", port)
        self.send: Callable[[], None] = lambda: None

    def start(self, read: Read) -> Callable[[], None]:
        """Begin."""

        def send() -> None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for family in read():
                    for sample in family.samples:
                        if sample.labels.get("outcome") == "success":
                            sender.sendto(f"{sample.name}:{sample.value}|g".encode(), self._to)

        self.send = send
        return send


class Named:
    """Writes down what happens to it."""

    def __init__(self, name: str, said: list[str], fails: str = "") -> None:
        self._name = name
        self._said = said
        self._fails = fails

    def start(self, read: Read) -> Callable[[], None]:
        """Begin, or fail."""
        self.names = {family.name for family in read()}
        self._happens("start")
        return lambda: self._happens("end")

    def _happens(self, what: str) -> None:
        self._said.append(f"{self._name} {what}s")
        if self._fails == what:
            raise RuntimeError(self._name)


def test_an_exporter_takes_the_metrics_elsewhere() -> None:
    """It reads when it likes, and its last reading has all that had ended by the shutdown."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(patience())
        exporter = Datagrams(receiver.getsockname()[1])

        def received() -> str:
            while not (text := receiver.recv(1000).decode()).startswith(f"{INVOCATIONS}:"):
                pass
            return text

        with configure("shop", None, hold_seconds=0, exporters=[exporter]) as runtime:
            record(runtime.provider.get_tracer("test"), 2)
            exporter.send()
            assert received() == f"{INVOCATIONS}:2|g"
            record(runtime.provider.get_tracer("test"), 3)
        assert received() == f"{INVOCATIONS}:5|g"


def test_an_exporter_is_a_reader_of_its_own() -> None:
    """Newborn series show 0 over HTTP until the exporter has read that, and the other way round."""
    sent: list[float] = []

    class Kept:
        def start(self, read: Read) -> Callable[[], object]:
            self.read = read
            return lambda: None

        def invocations(self) -> float:
            families = [family for family in self.read() if f"{family.name}_total" == INVOCATIONS]
            return sum(sample.value for family in families for sample in family.samples)

    one, two = Kept(), Kept()
    with configure("shop", 0, hold_seconds=0.01, exporters=[one, two]) as runtime:
        assert one.invocations() == two.invocations() == 0
        record(runtime.provider.get_tracer("test"))

        def over_http() -> str:
            with urlopen(f"http://127.0.0.1:{runtime.metrics_port}/metrics") as answer:
                text: str = answer.read().decode()
            return next(
                line.rpartition(" ")[2]
                for line in text.splitlines()
                if line.startswith(INVOCATIONS) and "success" in line
            )

        sent.append(one.invocations())
        assert over_http() == "0"
        assert two.invocations() == 0
        wait_for(lambda: over_http() == "1", "the end of the hold")
    assert (one.invocations(), two.invocations()) == (1, 1)
    assert sent == [0]


def test_no_registers_leave() -> None:
    """An exporter asks nobody for a credential, so it is given no distinct counts of tenants."""
    said: list[str] = []
    exporter = Named("one", said)
    with configure("shop", None, hold_seconds=0, exporters=(exporter,)) as runtime:
        record(runtime.provider.get_tracer("test"))
        assert {family.name for family in runtime.processor.families(exporter)} > {
            INVOCATIONS.removesuffix("_total")
        }
        assert not any("sketch" in name for name in exporter.names)


@pytest.mark.parametrize(
    "wrong", [[object()], object(), "statsd", [Datagrams], [None], [Datagrams(1), 3], b"x"]
)
def test_what_is_no_exporter(wrong: list[Exporter]) -> None:
    """It is named before anything has begun."""
    with pytest.raises(ValueError, match="exporters: expected objects with start"):
        configure("shop", None, exporters=wrong)


def test_one_that_cannot_begin() -> None:
    """Those before it end, nothing is left behind, and another try is welcome."""
    said: list[str] = []
    exporters = [Named("one", said), Named("two", said, fails="start"), Named("three", said)]
    with pytest.raises(RuntimeError, match="two"):
        configure("shop", None, exporters=exporters)
    assert said == ["one starts", "two starts", "one ends"]
    with configure("shop", None, exporters=exporters[:1]):
        pass
    assert said[3:] == ["one starts", "one ends"]


def test_one_that_fails_at_its_end() -> None:
    """The others end, and the host goes on."""
    said: list[str] = []
    exporters = [Named("one", said), Named("two", said, fails="end")]
    configure("shop", None, exporters=exporters).shutdown()
    assert said == ["one starts", "two starts", "two ends", "one ends"]
