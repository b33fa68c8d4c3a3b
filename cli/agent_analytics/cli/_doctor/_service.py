"""What a running service shows of itself."""

import email.utils
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from agent_analytics.cli._doctor._examination import Examination
from agent_analytics.cli._doctor._http import NoAnswerError, Server
from agent_analytics.instrumentation import mistakes
from agent_analytics.processor import catalogue

_SKEW_SECONDS: Final = 5.0
_UNAUTHORISED: Final = frozenset({401, 403})
_START: Final = (
    "Start the service; AGENT_ANALYTICS_METRICS_PORT and AGENT_ANALYTICS_METRICS_HOST say where it "
    "serves, and its line `metrics on …` at the start where it does"
)
#: What the counters of agent-analytics about itself mean, and what to do.
_COUNTERS: Final = (
    (
        catalogue.UNRECORDED_INVOCATIONS,
        "invocations were dropped by a sampler and are in no metric",
        "Call configure(), or wrap the sampler in RecordAllSampler.",
    ),
    (
        catalogue.UNATTRIBUTED_SPANS,
        "spans name no publisher that they belong to, and are in no publisher's numbers",
        "Give the decorator publisher_id=, or set AGENT_ANALYTICS_PUBLISHER_ID.",
    ),
    (
        catalogue.REFUSED_SERIES,
        "times a name went under _other because its cap was reached",
        "Look for names that are made up for each call; Limits has the caps.",
    ),
    (
        catalogue.REFUSED_VALUES,
        "values on spans were absurd and were not believed",
        "Look for negative or huge numbers in what is reported, and for ids that are none.",
    ),
    (
        catalogue.GIVEN_UP_SPANS,
        "spans never ended and were given up",
        "End every span; a stream that nobody reads to its end is to be closed.",
    ),
    (
        catalogue.INTERNAL_ERRORS,
        "errors of agent-analytics itself",
        "The log has the first of each; please report them.",
    ),
)


def check_service(examination: Examination, address: str, *, asked: bool) -> None:
    """Check a running service by its exposition.

    Args:
        examination: Takes what is found.
        address: Of its ``/metrics``.
        asked: Whether that address was given; else it is where the settings have it.
    """
    try:
        server = Server(address)
    except ValueError as error:
        examination.find(
            f"--metrics: {error}.", "Give an address such as http://host:9464/metrics."
        )
        return
    try:
        answer = server.get()
    except NoAnswerError as error:
        if not asked and error.nobody:
            examination.leave(
                f"the running service: nothing answers at {server.url}. {_START}; --metrics names "
                "another address"
            )
            return
        examination.look(f"the running service at {server.url}")
        examination.find(f"{server.url} does not answer: {error}.", _remedy(error))
        return
    examination.look(f"the running service at {server.url}: its counters and what it has found")
    totals, contradicted = _totals(answer.text)
    if catalogue.SPANS.name not in totals:
        where = "--metrics is to name /metrics of the service" if asked else _START
        taken = "" if asked else ", so that port is somebody else's"
        examination.find(
            f"{server.url} is no exposition of agent-analytics{taken}.",
            f"{where}; set AGENT_ANALYTICS_METRICS_PORT to a port that is free.",
        )
        return
    _counters(examination, totals)
    _findings(examination, server)
    for scope in contradicted:
        examination.find(
            f"The tokens that {scope} writes cannot mean what it is known to mean: more was read "
            "from and written to the cache than was sent. All of it is counted as input "
            f"({catalogue.CONTRADICTED_INPUT.name}).",
            "Please report the instrumentation and its version.",
        )
    date = email.utils.parsedate_tz(answer.headers.get("Date", ""))
    if date is not None:
        check_clock(examination, "the service", email.utils.mktime_tz(date))


def _remedy(error: NoAnswerError) -> str:
    if error.status in _UNAUTHORISED:
        return "Give --metrics the address with a user and a password in front of the host."
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "Set SSL_CERT_FILE to the certificate of the authority that signed the service's."
    if "WRONG_VERSION_NUMBER" in str(error):
        return "Ask by http://: what serves there has no TLS."
    return f"{_START}."


def _totals(text: str) -> tuple[Mapping[str, float], list[str]]:
    """Return the sum of each sample's values, and the scopes that contradict themselves."""
    totals: defaultdict[str, float] = defaultdict(float)
    contradicted: list[str] = []
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                totals[sample.name] += sample.value
                if sample.name == catalogue.CONTRADICTED_INPUT.name and sample.value:
                    contradicted.append(sample.labels["scope"])
    except (ValueError, KeyError):
        return {}, []
    return totals, contradicted


def _counters(examination: Examination, totals: Mapping[str, float]) -> None:
    for metric, meaning, remedy in _COUNTERS:
        count = totals.get(metric.name, 0)
        if count:
            examination.find(f"{count:.0f} {meaning} ({metric.name}).", remedy)
    if not totals[catalogue.SPANS.name]:
        examination.find(
            "No span of an agent has arrived yet.",
            "Call an agent. If that changes nothing, see what else is found here, and whether "
            "configure() runs in the process that calls it.",
        )


def _findings(examination: Examination, server: Server) -> None:
    """Add what the service itself has found, where it is one of ours that can be asked."""
    base, slash, _ = urllib.parse.urlsplit(server.url).path.rpartition("/metrics")
    if not slash:
        return
    root = server.url[: len(server.url) - len(urllib.parse.urlsplit(server.url).path)]
    try:
        answer = server.elsewhere(f"{root}{base}/-/findings").get()
    except NoAnswerError:
        return
    if not answer.headers.get("Content-Type", "").startswith("text/plain"):
        return
    for sentence in answer.text.splitlines():
        wrong, colon, remedy = sentence.rpartition(": ")
        if not colon:
            wrong, remedy = sentence, ""
        # Who has no tenants means it so.
        say = examination.note if mistakes.FOR_NO_TENANT in sentence else examination.find
        say(f"{_upper(wrong)}.", f"{_upper(remedy)}." if remedy else "")


def _upper(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def check_clock(examination: Examination, whose: str, seconds: float) -> None:
    """Compare a clock with this machine's."""
    skew = seconds - time.time()
    if abs(skew) > _SKEW_SECONDS:
        where = "ahead of" if skew > 0 else "behind"
        examination.find(
            f"The clock of {whose} is {abs(skew):.0f} s {where} this machine's.",
            "Set the clocks by NTP: windows of a minute miss what is stamped outside them.",
        )
