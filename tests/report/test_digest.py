"""The mail of a report: three things to do, the main figures, and the whole page attached."""

import runpy
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.effort import examples

from agent_analytics.insights import Insight
from agent_analytics.insights._report.mail.digest import digest
from agent_analytics.insights.report import Report, render

MADE: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("test_render.py")))
TO = ("agents@acme.example", "boss@acme.example")


def _mailed(report: Report) -> EmailMessage:
    """Return a report's mail as it is read at the other end."""
    mail = digest(report.page, sender="reports@market.example", to=TO, file="acme.html")
    sent = mail.as_bytes(policy=policy.SMTP)
    return message_from_bytes(sent, policy=policy.default)


def _body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def _insights(number: int) -> list[Insight]:
    severities = ("info", "warning", "critical")
    return [
        replace(
            MADE["INSIGHT"],
            severity=severities[index % 3],
            title=f"Title {index}",
            description=f"Number {index} fires.",
            recommendation=f"Do {index}.",
            worth_usd_day=float(index),
        )
        for index in range(number)
    ]


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_three_things_to_do(kind: str) -> None:
    """The most severe come first, those with more at stake before others; the rest is counted."""
    mail = _mailed(Report(MADE["DASHBOARD"], _insights(7)))
    body = _body(mail, kind)
    places = [body.index(f"Do {index}.") for index in (5, 2, 4)]
    assert places == sorted(places)
    assert all(f"Do {index}." not in body for index in (0, 1, 3, 6))
    assert "4 more in the attached page." in body
    assert "At stake: about $5.00 a day." in body
    assert mail["Subject"] == "Agents of acme: 7 things to do"
    assert body.index("Beyond a bound") < body.index("acme/finder: p95 response time")


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_the_main_figures(kind: str) -> None:
    """Figures are those of the page, each with its trend; what is not known is left out."""
    body = _body(_mailed(Report(MADE["DASHBOARD"], [])), kind)
    for label, value in (("Invocations", "1,234"), ("Tenants", "37"), ("Revenue", "$61.70")):
        line = next(line for line in body.replace("</tr>", "\n").split("\n") if label in line)
        assert value in line
    assert "▲ 12.5 % against the period before" in body
    assert "not available" not in _body(_mailed(Report(MADE["EMPTY"], [])), kind)


def test_the_whole_page_is_attached() -> None:
    """Whoever opens the attachment sees what the command writes into a file."""
    report = Report(MADE["DASHBOARD"], _insights(7))
    mail = _mailed(report)
    (page,) = mail.iter_attachments()
    assert (page.get_filename(), page.get_content_type()) == ("acme.html", "text/html")
    assert page.get_content().splitlines() == render(report, "html").splitlines()
    assert (mail["From"], mail["To"]) == ("reports@market.example", ", ".join(TO))
    assert mail["Message-ID"].endswith("@market.example>")


def test_an_empty_list_is_no_all_clear() -> None:
    """Where insights were not evaluated, neither the subject nor the mail says that all is well."""
    mail = _mailed(Report(MADE["EMPTY"], []))
    assert mail["Subject"] == "Agents of acme: the report"
    assert "Nothing needs your attention" not in _body(mail, "plain")


class _Tags(HTMLParser):
    """Keeps the names of all elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 - as the class it is of
        """Keep a name."""
        self.tags.add(tag)


_KNOWN = {
    *("html", "head", "meta", "title", "body", "h1", "h2", "p", "br", "ol", "li", "strong"),
    *("table", "tr", "th", "td"),
}


@settings(max_examples=examples(60), deadline=None)
@given(name=st.one_of(st.text(max_size=60), st.just(cast("str", MADE["HOSTILE"]))))
def test_names_write_neither_headers_nor_elements(name: str) -> None:
    """Whatever a publisher calls itself and its listings, a mail has the same headers and parts."""
    plain = _mailed(Report(MADE["DASHBOARD"], _insights(1)))
    insight = replace(
        MADE["INSIGHT"], agent_id=name, tool=name, title=name, description=name,
        recommendation=name, publisher_id=name,
    )  # fmt: skip
    mail = _mailed(Report(replace(MADE["DASHBOARD"], publisher_id=name), [insight]))
    assert mail.keys() == plain.keys()
    assert [part.get_content_type() for part in mail.walk()] == [
        part.get_content_type() for part in plain.walk()
    ]
    assert mail["To"] == ", ".join(TO)
    assert _Tags(_body(mail, "html")).tags <= _KNOWN
    assert not set("\x00\x1b\u202e\u2066\r") & set(_body(mail, "plain").replace("\r\n", "\n"))
