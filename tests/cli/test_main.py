"""The command line as a whole: help, version, and what it says where the simulator is missing."""

import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from tests.patience import patience

from agent_analytics.cli import main
from agent_analytics.demo import COMMANDS
from agent_analytics.processor import core_in_use

ROOT = Path(__file__).parents[2]
#: Each folder of an editable install is a line of its own on ``sys.path``.
WITHOUT_SIMULATOR = """
import sys
sys.path[:] = [line for line in sys.path if not line.endswith("/demo")]
from agent_analytics.cli import main
sys.exit(main(sys.argv[1:]))
"""


def run(code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a program with arguments, away from the checkout."""
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=patience(),
        check=False,
    )


#: In the order of the help.
EVERY = ["report", "portal", "doctor", "config", "key", "rules", "dashboards", "demo", "history"]


def helped(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what is printed by a command line that asks for help."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_the_command_is_that_of_the_package() -> None:
    """What is installed as ``agent-analytics`` is ``main`` of this package."""
    (found,) = entry_points(group="console_scripts", name="agent-analytics")
    assert found.load() is main


def test_without_a_command_it_shows_help(capsys: pytest.CaptureFixture[str]) -> None:
    """The bare command prints what ``--help`` prints, and nothing is wrong."""
    assert main([]) == 0
    bare = capsys.readouterr()
    assert bare.err == ""
    assert bare.out == helped(capsys)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """``--version`` prints the name and version of the distribution, and which core counts."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    number = settings["project"]["version"]
    assert capsys.readouterr().out == f"agent-analytics {number}, {core_in_use()}\n"


@pytest.mark.parametrize(
    "wrong", [["--bogus"], ["bogus"], ["doctor", "--bogus"], ["doctor", "bogus"]]
)
def test_what_is_unknown_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A word that no command knows ends with 2, and is named."""
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2
    assert wrong[-1] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("repot", "did you mean report?"),
        ("Doctor", "did you mean doctor?"),
        ("dashboard", "did you mean dashboards?"),
        ("rule", "did you mean rules?"),
        ("configure", "did you mean config?"),
        ("reports", "did you mean report?"),
        ("alerts", "did you mean rules?"),
        ("grafana", "did you mean dashboards?"),
        ("check", "did you mean doctor?"),
        ("xyzzy", f"the commands are {', '.join(EVERY)}"),
        ("", "the commands are report,"),
    ],
)
def test_the_nearest_command(given: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a command that there is none of, the nearest is named, in one line."""
    with pytest.raises(SystemExit) as ended:
        main([given, "--prometheus", "http://localhost:9090"])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith(f"agent-analytics: there is no command {given!r}; {meant}")
    assert said.endswith("(see `agent-analytics --help`)\n")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["doctor", "--promtheus", "none"], "did you mean --prometheus?"),
        (["report", "acme", "--day", "3", "--otput", "x"], "did you mean --output?"),
        (["config", "--output", "x", "--targets_file=y"], "did you mean --targets-file?"),
        (["rules"], "the following arguments are required: --output"),
        (["report", "acme", "--days", "soon"], "argument --days: expected whole days"),
        (["--verson"], "did you mean --version?"),
        (["demo", "--seconds", "x"], "agent-analytics demo: "),
    ],
)
def test_errors_are_one_line(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong is said in a line that names the help, without the usage of all options."""
    with pytest.raises(SystemExit) as ended:
        main(given)
    assert ended.value.code == 2
    out, printed = capsys.readouterr()
    assert out == ""
    assert said in printed
    assert printed.endswith("--help`)\n")
    assert printed.count("\n") == 1


@pytest.mark.parametrize(
    "command", ["config", "dashboards", "demo", "doctor", "history", "key", "report", "rules"]
)
def test_help_is_worth_reading(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The help of a command has whole examples of it, and what its exit status means."""
    text = helped(capsys, command)
    assert f"\n  agent-analytics {command} " in text.partition("examples:")[2]
    assert "exit status:\n  0  " in text


def test_the_command_also_runs_as_a_module() -> None:
    """``python -m agent_analytics.cli`` is the command, where no script was installed."""
    done = subprocess.run(
        [sys.executable, "-m", "agent_analytics.cli", "--version"],
        capture_output=True,
        text=True,
        timeout=patience(),
        check=False,
    )
    assert done.stdout.startswith("agent-analytics ")


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_without_the_simulator_it_says_what_to_install(command: str) -> None:
    """Each command of the simulator, with whatever options, names the package and how to get it."""
    done = run(WITHOUT_SIMULATOR, command, "--incident", "--days", "3")
    assert done.returncode == 1
    assert f"agent-analytics {command}: " in done.stderr
    assert "agent_analytics.demo" in done.stderr
    assert "pip install" in done.stderr
    assert "Traceback" not in done.stderr
    assert "pip install" in run(WITHOUT_SIMULATOR, command, "--help").stdout


def test_without_the_simulator_all_else_works() -> None:
    """The other commands are there, and the help says of the missing ones that they are."""
    done = run(WITHOUT_SIMULATOR)
    assert done.returncode == 0
    assert done.stdout.count("not installed") == len(COMMANDS)
    assert run(WITHOUT_SIMULATOR, "report").returncode == 2


def test_a_simulator_that_cannot_be_loaded_is_an_error() -> None:
    """A module that the simulator needs is named, and not taken for its absence."""
    code = (
        "import sys; sys.modules['agent_analytics.demo._run.run'] = None"
        + WITHOUT_SIMULATOR.replace("sys.path[:]", "_")
    )
    done = run(code, "demo")
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr
    assert "agent_analytics.demo._run.run" in done.stderr
