"""What rules look up in a past without them: filled, it is what they would have recorded."""

import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.insights.past import market
from tests.patience import wait_for
from tests.ports import free_port
from tests.tools import installed

from agent_analytics.cli import main
from agent_analytics.insights._past.wanted import wanted
from agent_analytics.insights._prometheus.client import PrometheusClient, Sample
from agent_analytics.insights._promql import recorded as recorded_names
from agent_analytics.insights.past import Server, make_blocks, prometheus_over
from agent_analytics.insights.rules import render_rules

pytestmark = pytest.mark.servers
#: Hours between moments that are compared, of each series as far as it is looked up.
EVERY = 41
#: Series by name and labels: values by the hour.
Series = dict[tuple[str, str], market.Hours]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, Series]:
    """Return the data of a Prometheus that recorded roll-ups alone, when they begin, and them."""
    installed("promtool")
    installed("prometheus")
    place = tmp_path_factory.mktemp("past")
    last = int(time.time()) // market.HOUR * market.HOUR
    first = last - (market.DAYS * 24 - 1) * market.HOUR
    first -= first % market.DAY  # days are recorded at midnight
    series = {
        key: {hour: value for hour, value in hours.items() if first + hour * market.HOUR <= last}
        for key, hours in market.registers().items()
    }
    text = place / "text"
    text.write_text(market.as_openmetrics(series, first), encoding="utf-8")
    make_blocks(text, place / "data")
    return place / "data", first, series


def backfill(url: str, output: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run the command and return its status and what it printed."""
    status = main(["rules", "backfill", "--prometheus", url, "--output", str(output)])
    return status, "".join(capsys.readouterr())


def move(blocks: Path, data: Path) -> None:
    """Do what the command says to do with its blocks."""
    for block in blocks.iterdir():
        block.rename(data / block.name)


@pytest.mark.slow
def test_what_is_filled_is_what_would_have_been_recorded(
    recorded: tuple[Path, int, Series], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every series that is looked up has the values of rules that ran all along, to 1e-9."""
    rolled_up, first, series = recorded
    data = tmp_path / "data"
    shutil.copytree(rolled_up, data)
    with prometheus_over(data) as url:
        status, told = backfill(url, tmp_path / "out", capsys)
    assert status == 0, told
    move(tmp_path / "out", data)
    found: dict[tuple[str, str, int], float] = {}
    last = (int(time.time()) // market.HOUR * market.HOUR - first) // market.HOUR - 1
    with prometheus_over(data) as url:
        client = PrometheusClient(url)
        for name, seconds in wanted().kept.items():
            for hour in range(last, last - int(seconds // market.HOUR), -EVERY):
                for sample in client.query(name, at=first + hour * market.HOUR):
                    found[name, labels_of(sample), hour] = sample.value
        assert {name for name, _, _ in found} == set(wanted().kept)
        (tmp_path / "out").rmdir()
        again, told = backfill(url, tmp_path / "out", capsys)
    assert again == 0
    assert "Nothing is missing" in told
    assert not (tmp_path / "out").exists()
    assert market.differing(tmp_path, series, found) == ""


def labels_of(sample: Sample) -> str:
    """Return the labels of a sample as a selector has them, the name left out."""
    return ",".join(f'{key}="{value}"' for key, value in sample.labels.items() if key != "__name__")


@contextmanager
def recording(place: Path, data: Path) -> Generator[PrometheusClient]:
    """Run a Prometheus that evaluates the rules of now every second, and keeps its own series."""
    config = place / "prometheus.yml"
    rules = render_rules(
        oncall_interval="1m",
        slow_interval="1m",
        level_interval="1m",
        hour_interval="1s",
        insight_interval="1s",
        cause_interval="1s",
    )
    (place / "insights.yml").write_text(rules["insights.yml"], encoding="utf-8")
    port = free_port()
    config.write_text(
        '{"rule_files": ["insights.yml"], "global": {"scrape_interval": "1s"}, "scrape_configs":'
        f' [{{"job_name": "self", "static_configs": [{{"targets": ["127.0.0.1:{port}"]}}]}}]}}',
        encoding="utf-8",
    )
    arguments = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=120d",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    server = Server("prometheus", arguments, port=port, log=place / "log")
    try:
        server.wait_ready(120)
        yield PrometheusClient(server.url)
    finally:
        server.stop()


#: What is there now only where something was recorded before, by how it is called.
LOOKED_UP = (
    "listing_retention:7d",
    "listing_retention:7d_7d_ago",
    "listing_unique_tenants:7d_14d_ago",
    "listing_unique_tenants:30d_30d_ago",
)


@pytest.mark.slow
def test_an_upgrade_is_known_at_once(
    recorded: tuple[Path, int, Series], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What an upgrade left unknown is known after its past was filled, and no scrape is lost."""
    data = tmp_path / "data"
    shutil.copytree(recorded[0], data)
    scraped = "count_over_time(prometheus_build_info[1h])"
    with recording(tmp_path, data) as client:
        wait_for(lambda: now(client, "listing_tenants_packed:7d"), "the first evaluation")
        assert not any(now(client, name) for name in LOOKED_UP)
        wait_for(lambda: now(client, recorded_names.KNOWN_BY), "when it will be known")
        days = {
            sample.labels["insight"]: (sample.value - client.now()) / market.DAY
            for sample in now(client, recorded_names.KNOWN_BY)
        }
        assert days["retention-falling"] == pytest.approx(14, abs=0.1)
        assert days["few-tenants"] == pytest.approx(30, abs=0.1)
        wait_for(lambda: now(client, scraped), "a scrape")
        status, told = backfill(client.url, tmp_path / "out", capsys)
        before = now(client, scraped)[0].value
    assert status == 0, told
    assert "evaluating listing_retention:7d" in told
    assert f"mv {tmp_path / 'out'}/* {data}/" in told
    move(tmp_path / "out", data)
    with recording(tmp_path, data) as client:
        begun = client.now()
        wait_for(lambda: all(now(client, name) for name in LOOKED_UP), "what is looked up")
        found, since = client.now(), recorded_names.RECORDED_SINCE
        wait_for(lambda: now(client, f"timestamp({since}) > {found}"), "another evaluation")
        # What was recorded before the restart is shown for five minutes more.
        by = recorded_names.KNOWN_BY
        lacking = f"{by} and timestamp({by}) > {begun}"
        wait_for(lambda: not now(client, lacking), "nothing that is not known")
        assert now(client, scraped)[0].value >= before
        (tmp_path / "out").rmdir()
        assert backfill(client.url, tmp_path / "out", capsys)[0] == 0
        assert not (tmp_path / "out").exists()


def now(client: PrometheusClient, expr: str) -> list[Sample]:
    """Return an answer of this moment."""
    return client.query(expr, at=client.now())


def test_a_directory_that_is_not_empty_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Blocks of two runs do not mix, and nobody is asked."""
    (tmp_path / "block").mkdir()
    status, told = backfill("http://127.0.0.1:9", tmp_path, capsys)
    assert status == 2
    assert "is not empty" in told


def test_nobody_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A Prometheus that is not there is an error in a sentence, and no directory is made."""
    installed("promtool")
    status, told = backfill("http://127.0.0.1:9", tmp_path / "out", capsys)
    assert status == 1
    assert "no answer from Prometheus at http://127.0.0.1:9" in told
    assert not (tmp_path / "out").exists()
