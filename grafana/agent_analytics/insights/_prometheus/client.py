"""A small client of Prometheus' HTTP API, on the standard library alone."""

import json
import math
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from typing import Final, TypeGuard

from agent_analytics.insights.openers import unredirected
from agent_analytics.processor.addresses import reached

#: Queries that are under way at a time: Prometheus answers a few at once faster than many.
_PARALLEL: Final = 4
_STRANGE: Final = "it does not answer like a Prometheus; is this its address?"
_UNAUTHORISED: Final = frozenset({401, 403})
_MOST_WARNINGS: Final = 20
_TRACE: Final = re.compile("[0-9a-f]{32}")
_LONGEST_WARNING: Final = 300


class AnalyticsError(Exception):
    """Why there is no answer, in words for whoever asked."""


class PrometheusUnreachable(AnalyticsError):  # noqa: N818 - reads as what has happened
    """Nothing answers at the address, or not in time."""


class QueryFailed(AnalyticsError):  # noqa: N818 - reads as what has happened
    """Prometheus, or what stands in front of it, refused a request."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of an instant query's answer."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Exemplar:
    """An observation with the trace that it is of.

    Attributes:
        trace_id: The trace, in 32 hexadecimal digits.
        value: What was observed.
        time: Unix time of the observation.
    """

    trace_id: str
    value: float
    time: float


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a range query's answer: values by Unix time."""

    labels: Mapping[str, str]
    points: Mapping[float, float]


class PrometheusClient:
    """Asks one Prometheus.

    Args:
        url: Address, such as ``http://localhost:9090``, with a path if it is served below one.
            A user and a password in it become basic authentication and appear in no message.
        timeout: Seconds that a request may take.
        headers: Sent with every request, such as ``{"Authorization": "Bearer …"}``.

    Raises:
        ValueError: If the address is not one of HTTP.
    """

    def __init__(
        self, url: str, *, timeout: float = 30.0, headers: Mapping[str, str] | None = None
    ) -> None:
        address, self._headers = reached(url, headers)
        self.url: Final = address
        self._timeout = timeout
        self._warnings: dict[str, None] = {}
        #: What was logged already of what is so each time that it is asked.
        self.said: Final[set[str]] = set()
        self._opener = unredirected()

    def query(self, expr: str, *, at: float) -> list[Sample]:
        """Return the answer of an instant query at a Unix time.

        Raises:
            PrometheusUnreachable: Nothing answers.
            QueryFailed: The query was refused.
        """
        answer = self._api("query", {"query": expr, "time": f"{at:.3f}"})
        return [
            Sample(labels, value)
            for labels, item in self._series(answer)
            for value in self._points(item.get("value"), one=True).values()
        ]

    def now(self) -> float:
        """Return the Unix time at Prometheus, whose clock is the one that samples carry.

        Raises:
            PrometheusUnreachable: Nothing answers.
            QueryFailed: The request was refused.
        """
        # Asked for as a vector: VictoriaMetrics has no scalars in answers.
        samples = self._series(self._api("query", {"query": "vector(time())"}))
        for _, item in samples:
            return next(iter(self._points(item.get("value"), one=True).values()))
        raise self._refused(_STRANGE)

    def query_many(self, exprs: Mapping[str, str], *, at: float) -> dict[str, list[Sample]]:
        """Return the answers of several instant queries by the names that they were given.

        Raises:
            PrometheusUnreachable: Nothing answers.
            QueryFailed: A query was refused.
        """
        with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="prometheus-query") as pool:
            waiting = {name: pool.submit(self.query, expr, at=at) for name, expr in exprs.items()}
            try:
                return {name: answer.result() for name, answer in waiting.items()}
            except AnalyticsError:
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def query_range(self, expr: str, *, start: float, end: float, step: float) -> list[Series]:
        """Return the answer of a range query, at just the times that it asks for.

        Raises:
            PrometheusUnreachable: Nothing answers.
            QueryFailed: The query was refused.
        """
        asked = {"start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        # Without the last, VictoriaMetrics moves the times of long ranges to multiples of the step.
        answer = self._api("query_range", {"query": expr, **asked, "nocache": "1"})
        return [
            Series(labels, self._points(item.get("values"), one=False))
            for labels, item in self._series(answer)
        ]

    def stored(self, selector: str, *, start: float, end: float) -> list[Series]:
        """Return the samples of some series as they are stored, after one time and up to another.

        Args:
            selector: Selects the series.
            start: Unix time.
            end: Unix time, at least a second after ``start``.

        Raises:
            PrometheusUnreachable: Nothing answers.
            QueryFailed: The query was refused.
        """
        window = f"{math.ceil(end - start)}s"
        answer = self._api("query", {"query": f"{selector}[{window}]", "time": f"{end:.3f}"})
        found: list[Series] = []
        for labels, item in self._series(answer):
            points = self._points(item.get("values"), one=False)
            found.append(
                Series(labels, {at: value for at, value in points.items() if start < at <= end})
            )
        return found

    def status(self, what: str) -> Mapping[str, object]:
        """Return what Prometheus says of itself, such as ``flags`` or ``tsdb``.

        Raises:
            PrometheusUnreachable: Nothing answers.
            QueryFailed: Whatever answers does not say it.
        """
        data = self._document(self._request(f"status/{what}", None)).get("data")
        if not _is_mapping(data):
            raise self._refused(_STRANGE)
        return data

    def exemplars(self, selector: str, *, start: float, end: float) -> list[Exemplar]:
        """Return the exemplars of series in a stretch of time; none where none are kept.

        Raises:
            PrometheusUnreachable: Nothing answers.
            QueryFailed: The query was refused, or whatever answers knows no exemplars.
        """
        asked = {"query": selector, "start": f"{start:.3f}", "end": f"{end:.3f}"}
        body = self._request("query_exemplars", urllib.parse.urlencode(asked).encode())
        series = self._document(body).get("data")
        found: list[Exemplar] = []
        for each in series if _is_list(series) else []:
            several = each.get("exemplars") if _is_mapping(each) else None
            for item in several if _is_list(several) else []:
                labels = item.get("labels") if _is_mapping(item) else None
                if not _is_mapping(item) or not _is_mapping(labels):
                    continue
                trace = str(labels.get("trace_id", ""))
                # The rest of its labels is nothing that anybody needs.
                if _TRACE.fullmatch(trace):
                    value, time = _float(item.get("value")), _float(item.get("timestamp"))
                    found.append(Exemplar(trace, value, time))
        return found

    def alerts(self) -> bytes:
        """Return the alerts of this moment as Prometheus tells them, in JSON.

        Raises:
            PrometheusUnreachable: Nothing answers.
            QueryFailed: The request was refused.
        """
        body = self._request("alerts", None)
        self._note_warnings(self._document(body))
        return body

    def rule_groups(self) -> list[Mapping[str, object]]:
        """Return the groups of rules that Prometheus has loaded, with when each was evaluated.

        Raises:
            PrometheusUnreachable: Nothing answers.
            QueryFailed: The request was refused, or whatever answers knows nothing of rules.
        """
        data = self._document(self._request("rules", None)).get("data")
        groups = data.get("groups") if _is_mapping(data) else None
        if not _is_list(groups):
            raise self._refused(_STRANGE)
        return [group for group in groups if _is_mapping(group)]

    def targets(self) -> list[Mapping[str, object]]:
        """Return what Prometheus scrapes, with when each target was scraped last.

        Raises:
            PrometheusUnreachable: Nothing answers.
            QueryFailed: The request was refused, or whatever answers scrapes nothing.
        """
        data = self._document(self._request("targets?state=active", None)).get("data")
        targets = data.get("activeTargets") if _is_mapping(data) else None
        if not _is_list(targets):
            raise self._refused(_STRANGE)
        return [target for target in targets if _is_mapping(target)]

    def take_warnings(self) -> tuple[str, ...]:
        """Return what the answers since the last time were accompanied by, each text once.

        Prometheus warns where an answer lacks what a remote store did not give, Thanos and
        VictoriaMetrics where a part of the data was out of reach: figures are too low then.
        """
        found, self._warnings = tuple(self._warnings), {}
        return found

    def _note_warnings(self, document: Mapping[str, object]) -> None:
        told = document.get("warnings")
        texts = [str(text)[:_LONGEST_WARNING] for text in told] if _is_list(told) else []
        if document.get("isPartial") is True:
            texts.append("a part of the data was out of reach")
        for text in texts:
            if len(self._warnings) < _MOST_WARNINGS:
                self._warnings[text] = None

    def _api(self, path: str, form: Mapping[str, str]) -> Mapping[str, object]:
        body = self._request(path, urllib.parse.urlencode(form).encode())
        document = self._document(body)
        self._note_warnings(document)
        data = document.get("data")
        if document.get("status") != "success" or not _is_mapping(data):
            raise self._refused(str(document.get("error") or _STRANGE))
        return data

    def _request(self, path: str, body: bytes | None) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - the scheme is checked above
            f"{self.url}/api/v1/{path}", data=body, headers=self._headers
        )
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                answer: bytes = response.read()
                return answer
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(self._reason(error)) from error
        except (OSError, HTTPException) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            message = f"no answer from Prometheus at {self.url}: {reason or type(error).__name__}"
            raise PrometheusUnreachable(message) from error

    def _reason(self, error: urllib.error.HTTPError) -> str:
        if error.code in _UNAUTHORISED:
            return f"HTTP {error.code}: it does not accept the credentials"
        try:
            told = self._document(error.read()).get("error")
        except (QueryFailed, OSError, HTTPException):
            told = None
        return str(told) if told else f"HTTP {error.code} {error.reason}"

    def _document(self, body: bytes) -> Mapping[str, object]:
        try:
            document: object = json.loads(body)
        except ValueError:
            document = None
        if not _is_mapping(document):
            raise self._refused(_STRANGE)
        return document

    def _series(
        self, data: Mapping[str, object]
    ) -> list[tuple[dict[str, str], Mapping[str, object]]]:
        result = data.get("result")
        if not _is_list(result):
            raise self._refused(_STRANGE)
        return [
            ({key: str(value) for key, value in labels.items()}, item)
            for item in result
            if _is_mapping(item) and _is_mapping(labels := item.get("metric"))
        ]

    def _points(self, value: object, *, one: bool) -> dict[float, float]:
        points = [value] if one else value
        try:
            if _is_list(points):
                return {
                    float(str(time)): float(str(number))
                    for pair in points
                    if _is_list(pair)
                    for time, number in [pair]
                }
        except ValueError:
            pass
        raise self._refused(_STRANGE)

    def _refused(self, reason: str) -> QueryFailed:
        return QueryFailed(f"Prometheus at {self.url} refused: {reason}")


def number(value: float) -> float | None:
    """Return None for what is no number: Prometheus' word for nothing to divide by."""
    return value if math.isfinite(value) else None


def equals(label: str, value: str) -> str:
    """Return a matcher for a label that has exactly this value, whatever is in it.

    A string of JSON is one of PromQL, except for halves of surrogate pairs, which no label has.
    """
    return f"{label}={json.dumps(value, ensure_ascii=False)}"


def _float(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return math.nan


def _is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)
