"""What a running service shows of itself."""

import email.utils
import time
import urllib.parse
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

from agent_analytics.cli._doctor.advice import advice
from agent_analytics.cli._doctor.examination import Examination
from agent_analytics.cli._doctor.http import NoAnswerError, Server
from agent_analytics.cli._doctor.service.in_use import InUse, ask_settings
from agent_analytics.cli._doctor.service.stranger import described, moved
from agent_analytics.instrumentation import mistakes
from agent_analytics.processor import catalogue

_SKEW_SECONDS: Final = 5.0
#: Part of what there is room for from which on somebody should look.
_NEARLY_FULL: Final = 0.8
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


def check_service(examination: Examination, address: str, *, asked: bool, named: bool) -> InUse:
    """Check a running service by its exposition, and return what it says of its settings.

    Args:
        examination: Takes what is found.
        address: Of its ``/metrics``.
        asked: Whether that address was given; else it is where the settings have it.
        named: Whether a setting of this environment names the port; else it is the default, at
            which the service need not be.
    """
    try:
        server = Server(address)
    except ValueError as error:
        examination.find(
            f"--metrics: {error}.", "Give an address such as http://host:9464/metrics."
        )
        return InUse()
    begun = time.time()
    try:
        answer = server.get()
    except NoAnswerError as error:
        if not asked and error.nobody:
            examination.leave(
                f"the running service: nothing answers at {server.url}. {_START}; --metrics names "
                "another address"
            )
            return InUse()
        otherwise = f"{_START}." if error.nobody else moved(server.url, "", asked=asked)
        remedy = advice(error, server.url, "--metrics", otherwise)
        _no_service(examination, server, f"does not answer: {error}", remedy, sure=asked or named)
        return InUse()
    totals, contradicted = _totals(answer.text)
    if catalogue.SPANS.name not in totals:
        what = described(answer, totals)
        remedy = moved(server.url, what, asked=asked)
        _no_service(
            examination,
            server,
            f"is no exposition of agent-analytics: {what} answers",
            remedy,
            sure=asked or named,
        )
        return InUse()
    examination.look(f"the running service at {server.url}: its counters and what it has found")
    _counters(examination, totals)
    _room(examination, totals)
    _state(examination, totals)
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
        check_clock(examination, "the service", email.utils.mktime_tz(date), begun)
    return ask_settings(server)


def _no_service(
    examination: Examination, server: Server, wrong: str, remedy: str, *, sure: bool
) -> None:
    """Note that the service is not what answers; that is wrong where it is sure to be there."""
    if sure:
        examination.look(f"the running service at {server.url}")
        examination.find(f"{server.url} {wrong}.", remedy)
    else:
        examination.leave(
            f"the running service: {server.url}, where it is by default, {wrong}. {remedy[:-1]}"
        )


def _totals(text: str) -> tuple[Mapping[str, float], list[str]]:
    """Return the sum of each sample's values, and the scopes that contradict themselves.

    Of what an exposition takes of its two limits, it is the larger part.
    """
    totals: defaultdict[str, float] = defaultdict(float)
    contradicted: list[str] = []
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == catalogue.EXPOSITION_FILLED.name:
                    totals[sample.name] = max(totals[sample.name], sample.value)
                    continue
                totals[sample.name] += sample.value
                if sample.name == catalogue.CONTRADICTED_INPUT.name and sample.value:
                    contradicted.append(sample.labels["scope"])
    except (ValueError, KeyError):
        return {}, []
    return totals, contradicted


def _room(examination: Examination, totals: Mapping[str, float]) -> None:
    """Note that an exposition, or a publisher's share of it, is nearly full."""
    filled = totals.get(catalogue.EXPOSITION_FILLED.name, 0)
    fullest = totals.get(catalogue.FULLEST_PUBLISHER.name, 0)
    remedy = (
        "Look for names that are made up for each call. For more, set AGENT_ANALYTICS_MAX_SAMPLES "
        "and AGENT_ANALYTICS_MAX_EXPOSITION_BYTES"
    )
    if filled >= _NEARLY_FULL:
        samples = totals.get(catalogue.EXPOSITION_SAMPLES.name, 0)
        size = totals.get(catalogue.EXPOSITION_BYTES.name, 0)
        examination.find(
            f"The exposition is {filled:.0%} full: {samples:,.0f} samples, up to "
            f"{size / 1e6:,.0f} MB of text. When it is full, new names go under _other.",
            f"{remedy}.",
        )
    elif fullest >= _NEARLY_FULL:
        examination.find(
            f"A publisher has {fullest:.0%} of its share of the exposition. When it has all, its "
            "new names go under _other; nobody else's do.",
            f"{remedy}, or AGENT_ANALYTICS_PUBLISHER_SHARE where it is the only publisher.",
        )


def _state(examination: Examination, totals: Mapping[str, float]) -> None:
    """Note that workers cannot read or write the state directory."""
    failing = totals.get(catalogue.STATE_FAILING.name, 0)
    if failing:
        examination.find(
            f"The state directory fails {failing:.0f} of the workers that live "
            f"({catalogue.STATE_FAILING.name}): what they count is in memory as far as it cannot "
            "be written.",
            "Look for the lines `state directory` in their logs: each says what to do. What is in "
            "memory is written when that is done, and lost if the process ends before.",
        )


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


def check_clock(examination: Examination, whose: str, seconds: float, begun: float) -> None:
    """Compare a clock with this machine's.

    Args:
        examination: Takes what is found.
        whose: Whose clock it is.
        seconds: What it said, since the epoch, at some time between ``begun`` and now: an answer
            may take longer than clocks may differ.
        begun: When it was asked, by this machine's clock.
    """
    ahead, behind = seconds - time.time(), begun - seconds
    if max(ahead, behind) > _SKEW_SECONDS:
        where = f"{ahead:.0f} s ahead of" if ahead > behind else f"{behind:.0f} s behind"
        examination.find(
            f"The clock of {whose} is {where} this machine's.",
            "Set the clocks by NTP: windows of a minute miss what is stamped outside them.",
        )
