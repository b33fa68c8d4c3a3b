"""``agent-analytics rules`` and ``dashboards``: what is written is what was tested."""

import json
from pathlib import Path

import pytest
import yaml
from tests.tools import Run

from agent_analytics.cli import main
from agent_analytics.insights import GENERATED


def test_rules(promtool: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rules are those that were generated, and load by the line that is said."""
    folder = tmp_path / "rules"
    assert main(["rules", "--output", str(folder)]) == 0
    out = capsys.readouterr().out
    for path in (GENERATED / "rules").iterdir():
        assert (folder / path.name).read_text("utf-8") == path.read_text("utf-8")
        assert f"wrote {folder / path.name}\n" in out
    (line,) = [line for line in out.splitlines() if "rule_files:" in line]
    config = tmp_path / "prometheus.yml"
    config.write_text("rule_files:" + line.partition("rule_files:")[2], encoding="utf-8")
    done = promtool("check", "config", config)
    assert "3 rule files found" in done.stdout, done.stderr


def test_absence_can_be_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On-call is paged later where that is asked for, and a time that is none is refused."""
    assert main(["rules", "--output", str(tmp_path), "--absence", "17m"]) == 0
    assert "17m" in (tmp_path / "oncall.yml").read_text("utf-8")
    assert main(["rules", "--output", str(tmp_path), "--absence", "soon"]) == 2
    assert "soon" in capsys.readouterr().err


def test_an_upgrade_replaces_rules(tmp_path: Path) -> None:
    """Rules of another version are replaced, and a file of one's own stays."""
    (tmp_path / "oncall.yml").write_text("groups: []\n", encoding="utf-8")
    (tmp_path / "own.yml").write_text("groups: []\n", encoding="utf-8")
    assert main(["rules", "--output", str(tmp_path)]) == 0
    assert "agent-analytics-oncall" in (tmp_path / "oncall.yml").read_text("utf-8")
    assert (tmp_path / "own.yml").read_text("utf-8") == "groups: []\n"


def test_dashboards(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The dashboards are those that were generated, and Grafana finds them where they are."""
    options = ["--prometheus", "http://prometheus:9090", "--traces", "http://tempo:3200"]
    assert main(["dashboards", "--output", str(tmp_path), *options]) == 0
    for path in (GENERATED / "dashboards").iterdir():
        assert (tmp_path / "dashboards" / path.name).read_bytes() == path.read_bytes()
    folder = tmp_path / "provisioning"
    provider = yaml.safe_load((folder / "dashboards/agent-analytics.yml").read_text("utf-8"))
    assert Path(provider["providers"][0]["options"]["path"]) == tmp_path / "dashboards"
    sources = yaml.safe_load((folder / "datasources/agent-analytics.yml").read_text("utf-8"))
    assert [source["url"] for source in sources["datasources"]] == [
        "http://prometheus:9090",
        "http://tempo:3200",
    ]
    assert f"GF_PATHS_PROVISIONING={folder}\n" in capsys.readouterr().out


def test_dashboards_of_a_container(tmp_path: Path) -> None:
    """A Grafana that sees the dashboards elsewhere looks for them there."""
    command = ["dashboards", "--output", str(tmp_path), "--path", "/var/lib/grafana/dashboards"]
    assert main(command) == 0
    provider = tmp_path / "provisioning/dashboards/agent-analytics.yml"
    assert "/var/lib/grafana/dashboards" in provider.read_text("utf-8")


SERVED = "https://docs.example/runbooks"


@pytest.mark.parametrize("command", ["rules", "dashboards"])
@pytest.mark.parametrize("given", ["nothing", "an option", "a variable", "a path"])
def test_links_of_runbooks(
    command: str,
    given: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Links that go nowhere are said on stderr with how to set them; an address is written."""
    monkeypatch.delenv("AGENT_ANALYTICS_RUNBOOKS", raising=False)
    options = {"an option": ["--runbooks", f"{SERVED}/"], "a path": ["--runbooks", "/runbooks"]}
    if given == "a variable":
        monkeypatch.setenv("AGENT_ANALYTICS_RUNBOOKS", SERVED)
    assert main([command, "--output", str(tmp_path), *options.get(given, [])]) == 0
    said = capsys.readouterr().err
    file = tmp_path / ("oncall.yml" if command == "rules" else "dashboards/oncall.json")
    written = file.read_text("utf-8")
    if given in {"nothing", "a path"}:
        assert said.count("\n") == 1
        assert "goes nowhere" in said
        assert "--runbooks https://" in said
        assert "AGENT_ANALYTICS_RUNBOOKS" in said
        assert SERVED not in written
        return
    assert said == ""
    if command == "rules":
        assert f"{SERVED}/error-rate.md" in written
    else:
        boxes = json.loads(written)["templating"]["list"]
        (box,) = [each for each in boxes if each["name"] == "runbooks"]
        assert box["query"] == box["current"]["value"] == SERVED


@pytest.mark.parametrize("command", ["rules", "dashboards", "config"])
def test_where_to_must_be_said(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written to a place that nobody named."""
    with pytest.raises(SystemExit) as ended:
        main([command])
    assert ended.value.code == 2
    assert "--output" in capsys.readouterr().err
