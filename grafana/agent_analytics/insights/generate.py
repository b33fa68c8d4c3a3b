"""Write the generated files of this package, or check that they are up to date.

``python -m agent_analytics.insights.generate`` writes them; with ``--check`` it writes nothing and
exits with status 1 if a file differs, is missing or is left over. Needs ``grafana-foundation-sdk``,
which nothing else of the package does.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from agent_analytics.insights._dashboards import render_dashboards
from agent_analytics.insights._definitions.telemetry import ABSENCE
from agent_analytics.insights._files import GENERATED
from agent_analytics.insights._prometheus.configuration import (
    alertmanager_config,
    prometheus_config,
)
from agent_analytics.insights._prometheus.provisioning import dashboard_provider, datasources
from agent_analytics.insights._rules.rule_files import render_rules

#: Where things are in ``docker-compose.yml``.
COMPOSE_TARGET: Final = "demo:9464"
COMPOSE_PROMETHEUS: Final = "localhost:9090"
COMPOSE_ALERTMANAGER: Final = "alertmanager:9093"
#: The demo takes webhooks on the port beside its metrics.
COMPOSE_WEBHOOK: Final = "http://demo:9465/"
COMPOSE_RULES: Final = "/etc/prometheus/rules"


def render(*, absence: str = ABSENCE) -> dict[str, str]:
    """Return every generated file by its path below ``generated/``.

    Args:
        absence: For how long a service has to be gone before on-call is paged.

    Raises:
        ValueError: ``absence`` is no duration of Prometheus.
    """
    return {
        **{f"rules/{name}": text for name, text in render_rules(absence=absence).items()},
        **{f"dashboards/{name}": text for name, text in render_dashboards().items()},
        "provisioning/datasources/prometheus.yml": datasources(),
        "provisioning/dashboards/agent-analytics.yml": dashboard_provider(),
        "prometheus.yml": prometheus_config(
            targets=[COMPOSE_TARGET],
            alertmanager=COMPOSE_ALERTMANAGER,
            rules_dir=COMPOSE_RULES,
            own_target=COMPOSE_PROMETHEUS,
        ),
        "alertmanager.yml": alertmanager_config(
            oncall_url=COMPOSE_WEBHOOK, publisher_url=COMPOSE_WEBHOOK
        ),
    }


def differences(files: Mapping[str, str], directory: Path) -> list[str]:
    """Return the paths below a directory that are not what the files say, in order."""
    there = {
        path.relative_to(directory).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
    return sorted(path for path in {*files, *there} if files.get(path) != there.get(path))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m agent_analytics.insights.generate",
        description="Write the rules, dashboards and configuration of agent-analytics.",
    )
    parser.add_argument("--check", action="store_true", help="only compare; status 1 if stale")
    parser.add_argument(
        "--directory", type=Path, default=GENERATED, help="where the files are (%(default)s)"
    )
    parser.add_argument(
        "--absence",
        default=ABSENCE,
        metavar="TIME",
        help="for how long a service has to be gone before on-call is paged (%(default)s)",
    )
    options = parser.parse_args(arguments)
    directory: Path = options.directory
    try:
        files = render(absence=options.absence)
    except ValueError as error:
        parser.error(str(error))
    stale = differences(files, directory)
    for path in stale:
        if options.check:
            sys.stderr.write(f"not up to date: {path}\n")
            continue
        target = directory / path
        if path in files:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(files[path], encoding="utf-8")
        else:
            target.unlink()
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
