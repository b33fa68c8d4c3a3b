"""The command: forms, files, messages and exit statuses, against a real Prometheus."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent_analytics.cli import main

pytestmark = pytest.mark.servers


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take out of the environment what the command reads."""
    monkeypatch.delenv("AGENT_ANALYTICS_PROMETHEUS", raising=False)
    monkeypatch.delenv("AGENT_ANALYTICS_PROMETHEUS_AUTHORIZATION", raising=False)


@pytest.fixture
def asked(url: str, end: float) -> list[str]:
    """Return the options that ask the known past for its last day."""
    at = datetime.fromtimestamp(end, UTC).isoformat()
    return ["--prometheus", url, "--days", "1", "--at", at]


def test_terminal_is_the_default(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Without a form and a file, a page is printed."""
    assert main(["report", "acme", *asked]) == 0
    out = capsys.readouterr().out
    assert "Agents of acme" in out
    assert "32,868" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("form", ["json", "csv", "html"])
def test_the_name_of_the_file_decides(asked: list[str], tmp_path: Path, form: str) -> None:
    """A file's ending names its form, and stdout stays empty."""
    path = tmp_path / f"acme.{form}"
    assert main(["report", "acme", *asked, "--output", str(path)]) == 0
    text = path.read_text("utf-8")
    if form == "json":
        assert json.loads(text)["total_invocations"] == 32_868
    elif form == "csv":
        rows = list(csv.DictReader(text.splitlines()))
        assert [row["total_invocations"] for row in rows] == ["31968", "900"]
    else:
        assert text.startswith("<!doctype html>")


def test_marketplace(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The operator's report has every listing."""
    assert main(["report", "--marketplace", *asked, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["kind"] == "marketplace"
    assert document["active_publishers"] == 2
    assert len(document["listings"]) == 3


@pytest.mark.parametrize(
    ("publisher", "advice"),
    [
        ("acmee", "Did you mean 'acme'? "),
        ("ACME", "Did you mean 'acme'? "),
        ("a-c-m-e", "Did you mean 'acme'? "),
        ("acme inc", "Did you mean 'acme'? "),
        ("cme", "Did you mean 'acme'? "),
        ("zzz", "It knows 'acme', "),
    ],
)
def test_unknown_publisher(
    publisher: str, advice: str, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """An id that is not there ends with 3 and names the nearest one, or those that there are."""
    assert main(["report", publisher, *asked]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"knows no listing of publisher '{publisher}'. {advice}" in captured.err


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("acme.pdf", "print it from a browser, which makes a PDF"),
        ("acme.PDF", "print it from a browser, which makes a PDF"),
        ("acme.xlsx", "say what goes into the file with --format"),
        ("acme.docx", "say what goes into the file with --format"),
        ("acme.png", "say what goes into the file with --format"),
        ("acme.htmls", "say what goes into the file with --format"),
    ],
)
def test_a_file_of_no_form(
    name: str, advice: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is no form of a report is refused before anybody is asked, and nothing is written."""
    path = tmp_path / name
    asked = ["--prometheus", "http://127.0.0.1:9", "--output", str(path)]
    assert main(["report", "acme", *asked]) == 2
    said = capsys.readouterr().err
    assert (
        f"{name}: a report is written as .html, .json, .csv or .txt, not as {path.suffix}" in said
    )
    assert advice in said
    assert not path.exists()


def test_a_text_file(asked: list[str], tmp_path: Path) -> None:
    """A form that is named goes into a file of any name, and a text needs no naming."""
    for name, more in (("acme.txt", []), ("acme", []), ("acme.pdf", ["--format", "terminal"])):
        path = tmp_path / name
        assert main(["report", "acme", *asked, *more, "--output", str(path)]) == 0
        assert "Agents of acme" in path.read_text("utf-8")


def test_unreachable(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """An address where nothing answers, from the environment, ends with 1."""
    monkeypatch.setenv("AGENT_ANALYTICS_PROMETHEUS", "http://127.0.0.1:9")
    assert main(["report", "acme"]) == 1
    said = capsys.readouterr().err
    assert "no answer from Prometheus at http://127.0.0.1:9" in said
    assert "`agent-analytics doctor`" in said


@pytest.mark.parametrize(
    "wrong",
    [[], ["acme", "--marketplace"], ["acme", "--prometheus", "nowhere"], ["acme", "--days", "0"],
     ["acme", "--at", "noon"], ["acme", "--header", "nothing"], ["acme", "--format", "pdf"]],
)  # fmt: skip
def test_wrong_command_line(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be meant ends with 2, on stderr."""
    try:
        status: object = main(["report", *wrong])
    except SystemExit as left:
        status = left.code
    assert status == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "agent-analytics report: " in captured.err


def test_no_data(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A period before all history ends with 4."""
    asked = ["--prometheus", url, "--at", "2001-01-01"]
    assert main(["report", "acme", *asked]) == 4
    assert "no metrics of agents" in capsys.readouterr().err


def test_a_file_that_cannot_be_written(
    asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that is not there ends with 1 and is named."""
    path = tmp_path / "none" / "acme.html"
    assert main(["report", "acme", *asked, "--output", str(path)]) == 1
    assert str(path) in capsys.readouterr().err
