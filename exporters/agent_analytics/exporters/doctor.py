"""Says in plain words what is wrong with a service's analytics."""

import argparse
import email.utils
import json
import os
import shutil
import sys
import time
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from prometheus_client.parser import text_string_to_metric_families

from agent_analytics.processor import catalogue, inspect_state, service_of

_TIMEOUT: Final = 10.0
_STALE_SECONDS: Final = 30 * 24 * 3600
_SKEW_SECONDS: Final = 5.0
_FREE_BYTES: Final = 100 << 20
_RULES: Final = "marketplace"


def examine(
    environment: Mapping[str, str], metrics: str | None, prometheus: str | None
) -> Iterator[str]:
    """Yield every problem that is found, in a sentence or two.

    Args:
        environment: Variables as the service has them.
        metrics: Address of the service's exposition; ``None`` looks at none.
        prometheus: Address of the Prometheus that scrapes it; ``None`` asks none.
    """
    yield from _environment(environment)
    state = environment.get("AGENT_ANALYTICS_STATE_DIR", "")
    if state:
        yield from _state(Path(state), environment.get("OTEL_SERVICE_NAME", ""))
    if metrics is not None:
        yield from _metrics(metrics)
    if prometheus is not None:
        yield from _prometheus(prometheus, environment)


def _environment(environment: Mapping[str, str]) -> Iterator[str]:
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        yield "OTEL_SDK_DISABLED is set: nothing is recorded at all."
    if not environment.get("AGENT_ANALYTICS_TENANT_KEY"):
        yield (
            "AGENT_ANALYTICS_TENANT_KEY is not set: whoever sees the registers can test whether a "
            "tenant is among them."
        )
    if environment.get("AGENT_ANALYTICS_STATE_DIR"):
        return
    workers = environment.get("WEB_CONCURRENCY", "1")
    if workers.isdigit() and int(workers) > 1:
        yield (
            f"WEB_CONCURRENCY starts {workers} workers and AGENT_ANALYTICS_STATE_DIR is not set: "
            "each worker counts for itself."
        )


def _state(path: Path, service: str) -> Iterator[str]:
    if not path.is_dir():
        yield f"The state directory {path} does not exist (yet)."
        return
    if not os.access(path, os.W_OK | os.X_OK):
        yield f"The state directory {path} cannot be written to by this user."
        return
    owner = service_of(path)
    if owner and service and owner != service:
        yield f"The state directory belongs to service {owner!r}, and this is {service!r}."
    free = shutil.disk_usage(path).free
    if free < _FREE_BYTES:
        yield f"The disk of the state directory has {free >> 20} MiB left; new series need room."
    now = time.time()
    for slot in inspect_state(path):
        if slot.problem:
            yield f"{slot.problem}."
        if slot.missing:
            yield (
                f"{slot.name}: {slot.missing} of {slot.missing + slot.blocks} blocks of series "
                "are damaged."
            )
        if not slot.alive and now - slot.changed > _STALE_SECONDS:
            yield (
                f"{slot.name} has had no worker for {(now - slot.changed) / 86_400:.0f} days; its "
                "counters are still shown."
            )


def _fetch(address: str) -> tuple[str, Mapping[str, str]]:
    if not address.startswith(("http://", "https://")):
        msg = f"{address} is no address of HTTP"
        raise ValueError(msg)
    with urllib.request.urlopen(address, timeout=_TIMEOUT) as answer:  # noqa: S310 - see above
        return answer.read().decode(), dict(answer.headers)


def _metrics(address: str) -> Iterator[str]:
    try:
        text, headers = _fetch(address)
    except (OSError, ValueError) as error:
        yield f"{address} does not answer: {error}."
        return
    totals: defaultdict[str, float] = defaultdict(float)
    contradicted: list[str] = []
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                totals[sample.name] += sample.value
                if sample.name == catalogue.CONTRADICTED_INPUT.name and sample.value:
                    contradicted.append(sample.labels["scope"])
    except ValueError:
        totals.clear()
    if catalogue.SPANS.name not in totals:
        yield f"{address} is no exposition of agent-analytics."
        return
    yield from _counters(totals)
    yield from _findings(address)
    for scope in contradicted:
        yield (
            f"The tokens that {scope} writes cannot mean what it is known to mean: more was read "
            "from and written to the cache than was sent. All of it is counted as input; please "
            f"report the instrumentation and its version ({catalogue.CONTRADICTED_INPUT.name})."
        )
    date = email.utils.parsedate_tz(headers.get("Date", ""))
    if date is not None:
        yield from _skew("the service", email.utils.mktime_tz(date))


def _findings(address: str) -> Iterator[str]:
    """Yield what the service itself has found, where it is one of ours that can be asked."""
    base, slash, _ = address.partition("/metrics")
    if not slash:
        return
    try:
        text, headers = _fetch(f"{base}/-/findings")
    except (OSError, ValueError):
        return
    if headers.get("Content-Type", "").startswith("text/plain"):
        for sentence in text.splitlines():
            yield f"{sentence[:1].upper()}{sentence[1:]}."


def _counters(totals: Mapping[str, float]) -> Iterator[str]:
    for metric, meaning in (
        (
            catalogue.UNRECORDED_INVOCATIONS,
            (
                "invocations were dropped by a sampler and are in no metric; call configure(), or "
                "wrap the sampler in RecordAllSampler"
            ),
        ),
        (
            catalogue.UNATTRIBUTED_SPANS,
            "spans name no publisher that they belong to, and are in no publisher's numbers",
        ),
        (catalogue.REFUSED_SERIES, "times a name went under _other because its cap was reached"),
        (catalogue.REFUSED_VALUES, "values on spans were absurd and were not believed"),
        (catalogue.GIVEN_UP_SPANS, "spans never ended and were given up"),
        (catalogue.INTERNAL_ERRORS, "errors of agent-analytics itself; the log has the first"),
    ):
        count = totals.get(metric.name, 0)
        if count:
            yield f"{count:.0f} {meaning} ({metric.name})."
    if not totals[catalogue.SPANS.name]:
        yield "No span of an agent has arrived yet."


def _skew(whose: str, seconds: float) -> Iterator[str]:
    skew = seconds - time.time()
    if abs(skew) > _SKEW_SECONDS:
        where = "ahead of" if skew > 0 else "behind"
        yield f"The clock of {whose} is {abs(skew):.0f} s {where} this machine's."


def _ask(prometheus: str, path: str) -> Any:  # noqa: ANN401 - JSON of Prometheus
    return json.loads(_fetch(prometheus.rstrip("/") + path)[0])["data"]


def _prometheus(address: str, environment: Mapping[str, str]) -> Iterator[str]:
    try:
        now = _ask(address, "/api/v1/query?query=time()")["result"][1]
        query = urllib.parse.quote(f"count by (job, instance) ({catalogue.SPANS.name})")
        found = _ask(address, f"/api/v1/query?query={query}")["result"]
        targets = _ask(address, "/api/v1/targets?state=active")["activeTargets"]
        groups = _ask(address, "/api/v1/rules")["groups"]
    except (OSError, ValueError, KeyError, IndexError) as error:
        yield f"{address} does not answer as Prometheus does: {error}."
        return
    yield from _skew("Prometheus", float(now))
    scraped = {(each["metric"].get("job"), each["metric"].get("instance")) for each in found}
    if not scraped:
        yield f"{address} has no series of agent-analytics: it does not scrape the service."
    yield from _intervals(targets, scraped, environment)
    rules = [rule["name"] for group in groups for rule in group["rules"]]
    if not any(_RULES in name.lower() for name in rules):
        yield f"{address} has none of the rules; without them there are no alerts and no roll-ups."


def _intervals(
    targets: Iterable[Mapping[str, Any]],
    scraped: set[tuple[str | None, str | None]],
    environment: Mapping[str, str],
) -> Iterator[str]:
    try:
        hold = float(environment.get("AGENT_ANALYTICS_HOLD_SECONDS") or 30)
    except ValueError:
        yield "AGENT_ANALYTICS_HOLD_SECONDS is no number."
        return
    for target in targets:
        labels = target["labels"]
        if (labels.get("job"), labels.get("instance")) not in scraped:
            continue
        if target["scrapeUrl"].endswith("/sketches"):
            continue
        interval = _seconds(target["scrapeInterval"])
        if interval > hold:
            yield (
                f"{target['scrapeUrl']} is scraped every {interval:g} s and newborn series are "
                f"held for {hold:g} s: hold them for two intervals, or their first events are lost."
            )


def _seconds(duration: str) -> float:
    """Return the seconds of a duration of Prometheus, such as ``1m30s``."""
    total, digits, unit = 0.0, "", ""
    scale = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600, "d": 86_400}
    for letter in [*duration, "0"]:
        if letter.isdigit() and unit:
            total += float(digits) * scale[unit]
            digits = unit = ""
        if letter.isdigit():
            digits += letter
        else:
            unit += letter
    return total


class Commands(Protocol):
    """What ``ArgumentParser.add_subparsers()`` returns, as far as it is used here."""

    def add_parser(
        self,
        name: str,
        *,
        help: str | None,  # noqa: A002 - named by argparse
        description: str | None,
    ) -> argparse.ArgumentParser:
        """Add the parser of a command."""
        ...


def add_doctor(commands: Commands) -> None:
    """Add the command ``doctor`` to a command line."""
    parser = commands.add_parser(
        "doctor",
        help="say in plain words what is wrong with a service's analytics",
        description=(
            "Looks at the environment (that of the service: AGENT_ANALYTICS_* and OTEL_*), at the"
            " state directory that it names, at a running exposition and at Prometheus, and says"
            " what is wrong. Exit status 1: something is."
        ),
    )
    parser.add_argument("--metrics", metavar="URL", help="such as http://127.0.0.1:9464/metrics")
    parser.add_argument("--prometheus", metavar="URL", help="such as http://127.0.0.1:9090")


def doctor(options: argparse.Namespace) -> int:
    """Run the command ``doctor`` and return its exit status."""
    problems = list(examine(os.environ, options.metrics, options.prometheus))
    for problem in problems:
        sys.stdout.write(f"- {problem}\n")
    if not problems:
        sys.stdout.write("Nothing is wrong, as far as can be seen from here.\n")
    return 1 if problems else 0
