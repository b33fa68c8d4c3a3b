"""``agent-analytics config``: writes configurations of Prometheus and of Alertmanager."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, cast

from agent_analytics.cli._command import Commands
from agent_analytics.cli._config import options as given
from agent_analytics.cli._config.checks import wrong_options
from agent_analytics.cli._output import say, tell, written
from agent_analytics.insights import alertmanager_config, prometheus_config
from agent_analytics.insights.config import Email, PagerDuty, Receiver, Slack, mail_server

_COMMENT: Final = "Written by `agent-analytics config`; yours to edit."
_PROMETHEUS: Final = "prometheus.yml"
_ALERTMANAGER: Final = "alertmanager.yml"

_DESCRIPTION: Final = """\
Writes prometheus.yml (what is scraped and how, which rules, where alerts go) and
alertmanager.yml (who is told what). A file that is there and says something else is left
alone, unless --force is given.

Paths in prometheus.yml begin where the file is; those in alertmanager.yml are absolute.
Passwords and keys are read from files on the servers, and are in neither.
"""
_EPILOG: Final = """\
a RECEIVER is one of
  slack:FILE        the file holds the address of the channel's incoming webhook
  pagerduty:FILE    the file holds the service's integration key (Events API v2)
  email:ADDRESS     with --smtp and --smtp-from
  webhook:URL       a program that takes Alertmanager's JSON

examples:
  agent-analytics config --output . --target finder=agents-1:9464 --target writer=agents-2:9464 \\
      --oncall slack:/etc/alertmanager/slack --oncall pagerduty:/etc/alertmanager/pagerduty
  agent-analytics config --output . --targets-file 'targets/*.json' --ca-file ca.pem \\
      --user prometheus --password-file password
  agent-analytics config --output . --kubernetes agents --alertmanager alertmanager:9093
  agent-analytics config --output . --target agents:9464 --smtp mail:587 \\
      --smtp-from alerts@example.com --publisher acme email:agents@acme.example

exit status:
  0  the files were written
  1  they cannot be written, or others are there
  2  the command line is wrong
"""


def add_config(commands: Commands) -> None:
    """Add the command to those of a program."""
    parser = commands.add_parser(
        "config",
        help="write configurations of Prometheus and Alertmanager",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    given.add_options(parser)


def config(options: argparse.Namespace) -> int:
    """Run the command and return its exit status."""
    directory = Path(options.output)
    alertmanagers = cast("list[str]", options.alertmanager) or ["localhost:9093"]
    try:
        publisher = given.by_publisher(options)
        wrong = wrong_options(options, publisher)
        if wrong:
            say("config", wrong)
            return 2
        files = {
            _PROMETHEUS: prometheus_config(
                alertmanager=alertmanagers,
                rules_dir=options.rules,
                scrape_interval=options.scrape_interval,
                own_target=None if options.prometheus == "none" else options.prometheus,
                discovery=given.discovery(options),
                access=given.access(options),
                sketches_token_file=options.sketches_token_file,
                comment=_COMMENT,
            ),
            _ALERTMANAGER: alertmanager_config(
                oncall=options.oncall,
                publishers=options.publishers,
                publisher=publisher,
                mail=mail_server(options),
                comment=_COMMENT,
            ),
        }
    except (ValueError, argparse.ArgumentTypeError) as error:
        say("config", str(error))
        return 2
    others = [] if options.force else _others(directory, files)
    if others:
        say("config", f"{', '.join(map(str, others))} says something else; --force replaces it")
        return 1
    if not written("config", directory, files):
        return 1
    _explain(directory.resolve(), options.rules)
    _tell_who("on-call", options.oncall)
    _tell_who("publishers", options.publishers)
    for name, receivers in publisher.items():
        _tell_who(f"publisher {name}", receivers)
    return 0


def _others(directory: Path, files: Mapping[str, str]) -> list[Path]:
    """Return the files that are there and say something else."""
    found: list[Path] = []
    for name, text in files.items():
        path = directory / name
        try:
            there = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if there != text:
            found.append(path)
    return found


def _explain(directory: Path, rules: str) -> None:
    """Say how the servers take the files."""
    tell()
    tell("Prometheus takes its file, and 120 days of history for windows of 90, by")
    tell(
        f"  prometheus --config.file={directory / _PROMETHEUS}"
        " --storage.tsdb.retention.time=120d --enable-feature=exemplar-storage"
    )
    tell(f"and its rules by:  agent-analytics rules --output {directory / rules}")
    tell("Alertmanager takes its file by")
    tell(f"  alertmanager --config.file={directory / _ALERTMANAGER}")
    tell("Both read their files anew on SIGHUP. Check the files before:")
    tell(f"  promtool check config {directory / _PROMETHEUS}")
    tell(f"  amtool check-config {directory / _ALERTMANAGER}")
    tell("Grafana:  agent-analytics dashboards --help")
    tell()


def _tell_who(who: str, receivers: Sequence[Receiver]) -> None:
    if not receivers:
        tell(f"{who}: nobody is told; alerts show on Alertmanager's page only")
    for receiver in receivers:
        match receiver:
            case Slack(file):
                how = f"Slack, by the incoming webhook whose address is in {file}"
            case PagerDuty(file):
                how = f"PagerDuty, by the integration key (Events API v2) in {file}"
            case Email(to):
                how = f"mail to {to}"
            case _:
                how = f"JSON, posted to {receiver.url}"
        tell(f"{who}: {how}")
