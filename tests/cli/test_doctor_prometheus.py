"""The doctor asks a real Prometheus what it scrapes and evaluates."""

import os
import re
import socket
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import bcrypt
import pytest
import trustme
from opentelemetry.sdk.trace import TracerProvider
from tests.alertmanager import alertmanager
from tests.cli.prometheus import ask, healthy, job, running
from tests.patience import wait_for
from tests.ports import free_port

from agent_analytics.cli import main
from agent_analytics.cli._doctor import Examination, examine
from agent_analytics.cli._doctor.prometheus.targets import Target, check_intervals, seconds
from agent_analytics.exporters import MetricsServer, start_http_server
from agent_analytics.insights import write_rules
from agent_analytics.instrumentation import vocabulary as names
from agent_analytics.processor import AgentMetricsProcessor

pytestmark = pytest.mark.servers

Find = Callable[[str], Examination]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out of the environment what the tests set themselves."""
    for variable in os.environ:
        if variable.startswith(("OTEL_", "AGENT_ANALYTICS_", "WEB_CONCURRENCY")):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("AGENT_ANALYTICS_TENANT_KEY", "a long secret")


@pytest.fixture
def processor() -> AgentMetricsProcessor:
    """Return a processor that has counted an invocation for a tenant."""
    processor = AgentMetricsProcessor(hold_seconds=0)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(processor)
    provider.get_tracer("test").start_span(
        "invoke_agent finder",
        attributes={
            names.OPERATION_NAME: names.INVOKE_AGENT,
            names.PUBLISHER_ID: "acme",
            names.AGENT_ID: "finder",
            names.TENANT_ID: "t-1",
            names.OUTCOME: names.SUCCESS,
        },
    ).end()
    return processor


@pytest.fixture
def service(processor: AgentMetricsProcessor) -> Iterator[MetricsServer]:
    """Run a service that is as it should be."""
    with start_http_server(processor) as server:
        yield server


@pytest.fixture
def target(service: MetricsServer) -> str:
    """Return host and port of the service."""
    return f"127.0.0.1:{service.port}"


@pytest.fixture
def rules(tmp_path: Path) -> list[str]:
    """Return the files of rules."""
    often = write_rules(tmp_path / "rules", oncall_interval="2s", slow_interval="2s")
    return [str(path) for path in often]


@pytest.fixture
def find(target: str) -> Find:
    """Return what returns what is found with a Prometheus."""
    return lambda url: examine(f"http://{target}/metrics", url)


def evaluated(url: str) -> bool:
    """Tell whether the rules for on-call were evaluated."""
    data = ask(url, "/api/v1/rules")
    every: list[dict[str, Any]] = data["groups"] if data else []
    groups = [each for each in every if "oncall" in each["name"]]
    return bool(groups) and all(not each["lastEvaluation"].startswith("0001") for each in groups)


def alertmanagers(url: str) -> object:
    """Return the Alertmanagers that a Prometheus knows."""
    data = ask(url, "/api/v1/alertmanagers")
    return data and data["activeAlertmanagers"]


def only(found: Examination) -> tuple[str, str]:
    """Return what is wrong, of which there is one thing, and what to do."""
    (problem,) = found.problems
    return problem.wrong, problem.remedy


def test_a_healthy_set_up(
    tmp_path: Path, target: str, rules: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """With two jobs and all rules nothing is wrong, and what was looked at is said."""
    with running(tmp_path, healthy(target), rules=rules, ready=evaluated) as url:
        asked = ["--metrics", f"http://{target}/metrics", "--prometheus", url]
        assert main(["doctor", *asked]) == 0, capsys.readouterr().out
    said = capsys.readouterr().out
    assert f"  - the running service at http://{target}/metrics" in said
    assert f"  - Prometheus at {url}: its clock, targets and rules" in said
    assert "Nothing is wrong in what was checked." in said
    assert "Worth knowing" not in said


def test_another_job_name(tmp_path: Path, target: str, rules: list[str], find: Find) -> None:
    """The rules know one job; what is scraped by another is named."""
    jobs = [job("my-agents", target), healthy(target)[1]]
    with running(tmp_path, jobs, rules=rules, ready=evaluated) as url:
        wrong, remedy = only(find(url))
    assert "The metrics are scraped by job 'my-agents'" in wrong
    assert remedy.startswith("Set job_name: agent-analytics in prometheus.yml")


def test_a_target_that_is_down(tmp_path: Path, target: str, rules: list[str], find: Find) -> None:
    """A target that nothing serves is named with what Prometheus says of it, and what to do."""
    down = f"127.0.0.1:{free_port()}"
    jobs = [*healthy(target), job("agent-analytics-more", down, metrics_path="/metrics/sketches")]
    jobs[0]["static_configs"] = [{"targets": [target]}, {"targets": []}]
    with running(tmp_path, jobs, rules=rules, ready=evaluated) as url:
        wrong, remedy = only(find(url))
    assert (
        f"The target http://{down}/metrics/sketches of job 'agent-analytics-more' is down" in wrong
    )
    assert "connection refused" in wrong
    assert remedy.startswith("Start the service, or correct host and port")


def test_the_only_target_is_down(tmp_path: Path, rules: list[str]) -> None:
    """Where no service was ever scraped, the target of the job is ours all the same."""
    down = f"127.0.0.1:{free_port()}"
    with running(tmp_path, healthy(down), rules=rules, ready=evaluated) as url:
        found = examine("none", url)
    assert [problem.wrong.partition(" is down")[0] for problem in found.problems] == [
        f"The target http://{down}/metrics of job 'agent-analytics'",
        f"The target http://{down}/metrics/sketches of job 'agent-analytics-sketches'",
    ]


def test_a_target_of_any_job_is_down(tmp_path: Path, rules: list[str]) -> None:
    """Where nothing of ours is scraped, every target that is down may be the one."""
    down = f"127.0.0.1:{free_port()}"
    with running(tmp_path, [job("anything", down)], rules=rules, ready=evaluated) as url:
        said = [problem.wrong for problem in examine("none", url).problems]
    assert "it does not scrape the service" in said[0]
    assert f"The target http://{down}/metrics of job 'anything' is down" in said[1]


def test_sketches_are_not_scraped(
    tmp_path: Path, target: str, rules: list[str], find: Find
) -> None:
    """Without the second job distinct tenants are not known."""
    with running(tmp_path, healthy(target)[:1], rules=rules, ready=evaluated) as url:
        wrong, remedy = only(find(url))
    assert wrong.startswith(f"The sketches of http://{target}/metrics are not scraped")
    assert "metrics_path: /metrics/sketches" in remedy


SKETCHES = "agent-analytics-sketches"


def test_sketches_without_their_token(
    tmp_path: Path, processor: AgentMetricsProcessor, rules: list[str]
) -> None:
    """A job without the token is down, and what to do names the token; with it all is well."""
    token = tmp_path / "token"
    token.write_text("sketches-0123456789abcdef\n")
    with start_http_server(processor, sketches_token=token.read_text().strip()) as server:
        target = f"127.0.0.1:{server.port}"
        jobs = healthy(target)
        with running(tmp_path, jobs, rules=rules, ready=evaluated) as url:
            wrong, remedy = only(examine(f"http://{target}/metrics", url))
        assert f"/metrics/sketches of job '{SKETCHES}' is down" in wrong
        assert "401 Unauthorized" in wrong
        assert "--sketches-token-file" in remedy
        jobs[1]["authorization"] = {"credentials_file": str(token)}
        (tmp_path / "again").mkdir()
        with running(tmp_path / "again", jobs, rules=rules, ready=evaluated) as url:
            assert examine(f"http://{target}/metrics", url).problems == []
            found = ask(url, "/api/v1/query?query=count(marketplace_agent_sketch_register)by(job)")
            assert [each["metric"] for each in found["result"]] == [{"job": SKETCHES}]


def test_rules_are_not_loaded(tmp_path: Path, target: str, find: Find) -> None:
    """Without rules there is nothing to page by, and the command that writes them is named."""
    with running(tmp_path, healthy(target)) as url:
        wrong, remedy = only(find(url))
    assert "has none of the rules" in wrong
    assert "`agent-analytics rules --output DIR`" in remedy


def test_a_file_of_rules_is_not_loaded(
    tmp_path: Path, target: str, rules: list[str], find: Find
) -> None:
    """What the missing file is for is said."""
    some = [each for each in rules if "rollups" not in each]
    with running(tmp_path, healthy(target), rules=some, ready=evaluated) as url:
        wrong, _ = only(find(url))
    assert wrong.startswith("The rules of rollups.yml are not loaded")


def test_rules_of_another_release(
    tmp_path: Path, target: str, rules: list[str], find: Find
) -> None:
    """A file that lacks rules of this release is named."""
    path = next(Path(each) for each in rules if each.endswith("oncall.yml"))
    path.write_text(path.read_text("utf-8").replace("TelemetryAbsent", "Gone"), encoding="utf-8")
    with running(tmp_path, healthy(target), rules=rules, ready=evaluated) as url:
        wrong, _ = only(find(url))
    assert "rules of oncall.yml are not loaded, TelemetryAbsent among them" in wrong


def test_rules_that_fail(tmp_path: Path, target: str, rules: list[str], find: Find) -> None:
    """A rule that Prometheus cannot evaluate is named with what it says."""
    path = next(Path(each) for each in rules if each.endswith("oncall.yml"))
    text = path.read_text("utf-8")
    joined = r"\1expr: up * on () group_left () up"
    first = re.compile(r"(alert: TelemetryAbsent\n\s+)expr: .*?(?=\n\s+for:)", re.DOTALL)
    path.write_text(first.sub(joined, text, count=1), encoding="utf-8")

    def failed(url: str) -> bool:
        data = ask(url, "/api/v1/rules")
        return any(rule["health"] == "err" for group in data["groups"] for rule in group["rules"])

    with running(tmp_path, healthy(target), rules=rules, ready=failed) as url:
        wrong, _ = only(find(url))
    assert wrong.startswith("The evaluation of TelemetryAbsent fails: ")
    assert "many-to-many" in wrong or "duplicate" in wrong


def test_evaluation_is_slower_than_its_interval(tmp_path: Path, target: str, find: Find) -> None:
    """A group that takes longer than its interval misses evaluations."""
    paths = write_rules(tmp_path / "rules", oncall_interval="1ms", slow_interval="2s")
    rules = [str(path) for path in paths]
    with running(tmp_path, healthy(target), rules=rules, ready=evaluated) as url:
        wrong, _ = only(find(url))
    assert wrong.startswith("The rules agent-analytics-oncall take ")
    assert "are to be evaluated every 0.001 s: evaluations are missed" in wrong


def test_rules_that_were_not_evaluated_yet(
    tmp_path: Path, target: str, rules: list[str], find: Find
) -> None:
    """What has not begun is not called well."""
    with running(tmp_path, healthy(target), rules=rules, ready=evaluated) as url:
        found = find(url)
    assert found.problems == []
    # Some groups are evaluated every hour, at a time that their names choose.
    others = [
        each for each in found.unchecked if "which Prometheus has not begun (yet)" not in each
    ]
    # Nor does the Alertmanager of this Prometheus run.
    assert [each for each in others if not each.startswith("Alertmanager at ")] == []


@pytest.mark.parametrize(
    ("more", "wrong", "remedy"),
    [
        ({"metrics_path": "/nothing"}, "404", "Correct metrics_path"),
        ({"scheme": "https"}, "HTTP response to HTTPS client", "Set scheme: http"),
    ],
)
def test_a_scrape_that_fails(
    tmp_path: Path, target: str, find: Find, *, more: dict[str, object], wrong: str, remedy: str
) -> None:
    """Each way to fail has a remedy of its own."""
    jobs = [job("agent-analytics", target, **more), healthy(target)[1]]
    with running(tmp_path, jobs) as url:
        found = find(url).problems
    (down,) = [each for each in found if "is down" in each.wrong]
    assert wrong in down.wrong
    assert down.remedy.startswith(remedy)


def test_credentials(
    tmp_path: Path, processor: AgentMetricsProcessor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service behind TLS and a password: without them both are named, with them all is well."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    hashed = bcrypt.hashpw(b"pass-s3cret", bcrypt.gensalt(4)).decode()
    (tmp_path / "web.yml").write_text(
        "tls_server_config: {cert_file: server.pem, key_file: server.pem}\n"
        f"basic_auth_users: {{prom: {hashed}}}\n"
    )
    monkeypatch.setenv("AGENT_ANALYTICS_WEB_CONFIG", str(tmp_path / "web.yml"))
    with start_http_server(processor, web_config=tmp_path / "web.yml") as server:
        monkeypatch.setenv("AGENT_ANALYTICS_METRICS_PORT", str(server.port))
        (problem,) = examine(None, "none").problems
        assert f"https://127.0.0.1:{server.port}/metrics does not answer" in problem.wrong
        assert problem.remedy.startswith("Set SSL_CERT_FILE")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        (problem,) = examine(None, "none").problems
        assert "HTTP 401" in problem.wrong
        assert "a user and a password in front of the host" in problem.remedy
        address = f"https://prom:pass-s3cret@127.0.0.1:{server.port}/metrics"
        assert examine(address, "none").problems == []
        jobs = [
            job("agent-analytics", f"127.0.0.1:{server.port}", scheme="https"),
            job(
                "agent-analytics-sketches",
                f"127.0.0.1:{server.port}",
                scheme="https",
                metrics_path="/metrics/sketches",
                tls_config={"insecure_skip_verify": True},
            ),
        ]
        monkeypatch.delenv("SSL_CERT_FILE")  # Prometheus reads it as well
        with running(tmp_path, jobs) as url:
            found = [each for each in examine(address, url).problems if "is down" in each.wrong]
    assert [each.remedy.partition(" in ")[0] for each in found] == [
        "Set tls_config with ca_file",
        "Set basic_auth",
    ], found


def test_scraped_twice(tmp_path: Path, target: str, rules: list[str], find: Find) -> None:
    """One endpoint in two jobs doubles every figure."""
    jobs = [*healthy(target), job("agent-analytics-2", target.replace("127.0.0.1", "localhost"))]
    with running(tmp_path, jobs, rules=rules, ready=evaluated) as url:
        said = "\n".join(problem.wrong for problem in find(url).problems)
    assert f"http://{target}/metrics is scraped 2 times, by agent-analytics (" in said


def test_scraped_more_seldom_than_held(
    tmp_path: Path, target: str, find: Find, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nobody looks while newborn series show 0, their first events are lost."""
    monkeypatch.setenv("AGENT_ANALYTICS_HOLD_SECONDS", "1")
    jobs = healthy(target)
    jobs[0]["scrape_interval"] = "2s"
    with running(tmp_path, jobs) as url:
        said = [problem for problem in find(url).problems if "held for" in problem.wrong]
    assert "scraped every 2 s and newborn series are held for 1 s" in said[0].wrong
    assert said[0].remedy.startswith("Set AGENT_ANALYTICS_HOLD_SECONDS to two intervals, 4")


def test_scraped_too_seldom_for_the_rules() -> None:
    """Beyond half a minute on-call sees no two scrapes in the minute that it looks at."""
    found = Examination()
    seldom = Target("agent-analytics", "a", "http://a:9464/metrics", "up", "", 31.0)
    often = Target("agent-analytics", "b", "http://b:9464/metrics", "up", "", 30.0)
    check_intervals(found, [seldom, often])
    (problem,) = found.problems
    assert problem.wrong.startswith("http://a:9464/metrics is scraped every 31 s: on-call looks")


@pytest.mark.parametrize(
    ("duration", "expected"),
    [("1m30s", 90), ("500ms", 0.5), ("1h", 3_600), ("1d", 86_400), ("5s", 5), ("", 0), ("x", 0)],
)
def test_durations(duration: str, expected: float) -> None:
    """Durations are read as Prometheus writes them."""
    assert seconds(duration) == expected


def test_something_else_at_the_target(
    tmp_path: Path, target: str, rules: list[str], find: Find
) -> None:
    """A target of the job that answers with another program's metrics is named."""
    other = free_port()
    with running(tmp_path, [job("agent-analytics", f"127.0.0.1:{other}")]) as first:
        place = tmp_path / "second"
        place.mkdir()
        jobs = healthy(target)
        jobs[0]["static_configs"] = [{"targets": [target]}]
        jobs.append(job("agent-analytics-3", first.removeprefix("http://")))
        jobs[2]["job_name"] = "agent-analytics"
        jobs[0]["job_name"] = "agent-analytics-1"
        with running(place, jobs, rules=rules, ready=evaluated) as url:
            said = "\n".join(problem.wrong for problem in find(url).problems)
    assert f"The target {first}/metrics of job 'agent-analytics' answers and has nothing of" in said


def test_no_alertmanager(tmp_path: Path, target: str, rules: list[str], find: Find) -> None:
    """That nobody is paged is worth knowing, and no fault where nobody is on call."""
    with running(tmp_path, healthy(target), rules=rules, alertmanager=None, ready=evaluated) as url:
        found = find(url)
    assert found.problems == []
    assert [note.wrong.partition(",")[0] for note in found.notes] == [
        "Prometheus knows no Alertmanager"
    ]


def test_an_alertmanager_that_does_not_answer(
    tmp_path: Path, target: str, rules: list[str], find: Find
) -> None:
    """What Prometheus was given and does not answer is not checked; one that is ready is."""
    nobody = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
    with alertmanager(tmp_path, nobody) as up:
        for address, answers in (("http://127.0.0.1:9", False), (up, True)):
            place = tmp_path / str(answers)
            place.mkdir()
            to = address.removeprefix("http://")
            with running(place, healthy(target), rules=rules, alertmanager=to) as url:
                wait_for(partial(alertmanagers, url), "the Alertmanager is known", every=0.1)
                found = find(url)
            left = [text for text in found.unchecked if f"Alertmanager at {address}, " in text]
            assert bool(left) is not answers
            assert (f"Alertmanager at {address}: it is ready" in found.checked) is answers


def test_an_address_of_something_else(service: MetricsServer, target: str) -> None:
    """What is no Prometheus, or nothing, is said to be none."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for address, why in (
        (f"http://{target}", "HTTP 404"),
        (f"http://127.0.0.1:{port}", "refused"),
        ("localhost:9090", "expected an address such as"),
    ):
        wrong, _ = only(examine("none", address))
        assert why in wrong
    assert service.port
