"""Runs every framework live, says how far it is, and writes ``results.json``.

``python -m tests.frameworks.everything [FRAMEWORK...]``; with names only those are run, and what is
known of the others is kept. The exit status is 0 if every count of every run was right, or else 1.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tests.dialects import recordings as r
from tests.frameworks import compatibility, guides
from tests.frameworks.compatibility import RESULTS
from tests.frameworks.live import (
    EVERYTHING,
    ROOT,
    CannotRunError,
    Run,
    Verdict,
    execute,
    judge,
)
from tests.frameworks.matrix import AGENTLESS, CANNOT, FRAMEWORKS, environment_of

#: Seconds that all runs together may take; what is not begun by then fails.
BUDGET = 30 * 60.0
WORKERS = 3
LONGEST = ("many",)


@dataclass
class Variant:
    """What came of all runs of one framework with one instrumentation."""

    framework: str
    instrumentation: str
    installed: Mapping[str, str] = field(default_factory=dict[str, str])
    verdicts: dict[str, Verdict] = field(default_factory=dict[str, Verdict])
    failures: list[str] = field(default_factory=list[str])

    @property
    def name(self) -> str:
        """Framework and instrumentation."""
        return f"{self.framework}/{self.instrumentation}"

    def rotten(self) -> list[str]:
        """Return what is declared as not told, though nothing would differ without that."""
        return [
            f"{scenario}: {item} is declared as not told, and is told"
            for scenario, items in r.UNTOLD.get(self.name, {}).items()
            if scenario == "*" or scenario in self.verdicts
            for item in sorted(items - self._missing(scenario))
        ]

    def counted(self) -> list[str]:
        """Return what was right in every run in which it is not declared as missing."""
        told = set[str]().union(*(v.counted for v in self.verdicts.values()))
        return [item for item in EVERYTHING if item in told]

    def not_told(self) -> dict[str, list[str]]:
        """Return what is declared as missing and indeed was: of every run, or of a scenario."""
        found: dict[str, list[str]] = {}
        for scenario, items in sorted(r.UNTOLD.get(self.name, {}).items()):
            missing = self._missing(scenario)
            if here := [item for item in EVERYTHING if item in items & missing]:
                found[scenario] = here
        return found

    def _missing(self, scenario: str) -> set[str]:
        runs = [v for key, v in self.verdicts.items() if scenario in {"*", key}]
        return set[str]().union(*(verdict.missing for verdict in runs))

    def as_json(self) -> dict[str, Any]:
        """Return it for ``results.json``."""
        known = FRAMEWORKS[self.framework]
        packages = known.instrumentations[self.instrumentation]
        return {
            "framework": self.framework,
            "package": known.package,
            "version": self.installed.get(known.package),
            "instrumentation": self.instrumentation,
            "instrumentation_packages": {name: self.installed.get(name) for name in packages},
            "passed": [name for name in known.scenarios if self._passed(name)],
            "not_passed": [name for name in known.scenarios if not self._passed(name)],
            "counted": self.counted(),
            "not_told": self.not_told(),
        }

    def _passed(self, scenario: str) -> bool:
        return scenario in self.verdicts and not self.verdicts[scenario].problems


def planned(names: Sequence[str]) -> Iterator[Run]:
    """Return what is to be run: the scenarios of one instrumentation one after another."""
    for name in names:
        framework = FRAMEWORKS[name]
        for instrumentation in framework.instrumentations:
            told = r.INVOCATIONS not in r.untold(f"{name}/{instrumentation}", "")
            scenarios = framework.scenarios
            driver = framework.driver
            if f"{name}/{instrumentation}" in CANNOT:
                yield Run(name, instrumentation, ("ok",), driver=driver)
                continue
            # Where no agent is told, no listing can be named by one.
            without = tuple(one for one in scenarios if not told or one in AGENTLESS)
            # What takes longest comes last.
            by_name = tuple(
                sorted((one for one in scenarios if one not in without), key=LONGEST.__contains__)
            )
            if by_name:
                yield Run(name, instrumentation, by_name, driver=driver)
                without = ("ok", *without)
            if without:
                yield Run(name, instrumentation, without, listing=True, driver=driver)


class Show:
    """All the runs, two at a time, within a limited time."""

    def __init__(self, runs: Sequence[Run], *, budget: float, record: Path | None) -> None:
        self.runs = runs
        self.budget = budget
        self.record = record
        self.variants: dict[str, Variant] = {}
        self._begun = time.monotonic()
        self._done = 0

    def go(self) -> None:
        """Run them all."""
        for run in self.runs:
            self.variants.setdefault(run.variant, Variant(run.framework, run.instrumentation))
        with ThreadPoolExecutor(WORKERS) as pool:
            for done in as_completed([pool.submit(self._all_of, run) for run in self.runs]):
                for run, outcome in done.result():
                    self._note(run, outcome)

    @property
    def total(self) -> int:
        """How many scenarios there are."""
        return sum(len(run.scenarios) for run in self.runs)

    @property
    def seconds(self) -> float:
        """How long it has been going."""
        return time.monotonic() - self._begun

    def _all_of(self, run: Run) -> list[tuple[Run, Mapping[str, Any] | str]]:
        """Run one after another in one process; what that does not get done, each in its own."""
        outcome = self._one(run)
        if len(run.scenarios) == 1:
            return [(run, outcome)]
        done = [] if isinstance(outcome, str) else [one["scenario"] for one in outcome["runs"]]
        left = [replace(run, scenarios=(name,)) for name in run.scenarios if name not in done]
        begun = [] if isinstance(outcome, str) else [(run, outcome)]
        return [*begun, *((single, self._one(single)) for single in left)]

    def _one(self, run: Run) -> Mapping[str, Any] | str:
        if self.seconds > self.budget:
            return f"not run: {self.budget:.0f} s were over"
        python = ROOT / ".venv-frameworks" / environment_of(run.framework) / "bin" / "python"
        if not python.exists():
            return "no environment"
        try:
            return execute(run, python, record=self.record)
        except CannotRunError as error:
            return str(error)

    def _note(self, run: Run, outcome: Mapping[str, Any] | str) -> None:
        variant = self.variants[run.variant]
        verdicts = (
            dict.fromkeys(run.scenarios, Verdict([outcome]))
            if isinstance(outcome, str)
            else judge(run, outcome)
        )
        if not isinstance(outcome, str):
            variant.installed = outcome["installed"]
        for scenario, verdict in verdicts.items():
            self._done += 1
            whole = variant.verdicts.setdefault(scenario, Verdict())
            whole.problems += verdict.problems
            whole.counted |= verdict.counted
            whole.missing |= verdict.missing
            title = f"{run.variant}/{scenario}" + " (listing named)" * run.listing
            if run.variant in CANNOT:
                declared = isinstance(outcome, str)
                verdict.problems = [] if declared else ["declared as what cannot be run, and can"]
                title += f" ({CANNOT[run.variant]})"
            print(f"[{self._done:3}/{self.total}] {title}: {'WRONG' if verdict.problems else 'ok'}")
            for problem in verdict.problems:
                variant.failures.append(f"{title}: {problem}")
                print(f"          {problem}")
        sys.stdout.flush()


def table(variants: Sequence[Variant]) -> Table:
    """Return the summary."""
    made = Table("framework", "version", "instrumentation", "scenarios", "not told of every run")
    for variant in variants:
        if variant.name in CANNOT:
            continue
        entry = variant.as_json()
        total = len(entry["passed"]) + len(entry["not_passed"])
        made.add_row(
            entry["framework"],
            entry["version"] or "?",
            entry["instrumentation"],
            f"{len(entry['passed'])} of {total}",
            ", ".join(entry["not_told"].get("*", [])),
        )
    return made


def save(variants: Sequence[Variant]) -> None:
    """Write the results, and the page; frameworks that were not run stay as they are."""
    run = {variant.framework for variant in variants}
    old = compatibility.results() if RESULTS.exists() else []
    entries: list[Mapping[str, Any]] = [one for one in old if one["framework"] not in run]
    entries += [one.as_json() for one in variants if one.name not in CANNOT]
    entries.sort(key=lambda one: (one["framework"], one["instrumentation"]))
    RESULTS.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    compatibility.write()
    guides.write()


def main() -> int:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frameworks", nargs="*", help="only these")
    parser.add_argument("--record", type=Path, help="a folder for the spans of each run")
    parser.add_argument("--budget", type=float, default=BUDGET, help="seconds for all of it")
    options = parser.parse_args()
    unknown = set(options.frameworks) - set(FRAMEWORKS)
    if unknown:
        parser.error(f"no such framework: {', '.join(sorted(unknown))}")
    runs = list(planned(options.frameworks or sorted(FRAMEWORKS)))
    show = Show(runs, budget=options.budget, record=options.record)
    print(
        f"{show.total} scenarios in {len(runs)} processes, {WORKERS} at a time, "
        f"{options.budget / 60:.0f} minutes at most"
    )
    show.go()
    variants = list(show.variants.values())
    failures = [problem for variant in variants for problem in variant.failures]
    failures += [f"{one.name}: {problem}" for one in variants for problem in one.rotten()]
    print()
    Console(width=140).print(table(variants))
    for key in sorted(CANNOT.keys() & show.variants.keys()):
        print(f"cannot be run: {key}: {CANNOT[key]}")
    for problem in failures:
        print(f"WRONG {problem}")
    print(f"{show.total} scenarios in {show.seconds / 60:.1f} minutes, {len(failures)} problems")
    save(variants)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
