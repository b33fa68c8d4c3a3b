"""What every driver shares: the model API, the tools with their own counts, the recording."""

import asyncio
import importlib.util
import json
import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from model_api import CACHED, REASONING, ModelApi
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from recorder import Recorder

FAST, GREAT = "gpt-4o-mini", "gpt-4o"


class ToolBoom(Exception):
    """What a failing tool raises."""


class Lab:
    """One scenario: a server with its plan, a provider, and what really happened."""

    def __init__(self, scenario: str) -> None:
        self.scenario = scenario
        self.api = ModelApi()
        self.provider = TracerProvider(resource=Resource.create({"service.name": "lab"}))
        self.recorder = Recorder()
        self.provider.add_span_processor(self.recorder)
        trace.set_tracer_provider(self.provider)
        self.tools: Counter[tuple[str, str]] = Counter()
        self.agents: list[dict[str, Any]] = []
        self.notes: list[str] = []
        os.environ.update(
            OPENAI_API_KEY="sk-lab",
            OPENAI_BASE_URL=self.api.base_url,
            OPENAI_API_BASE=self.api.base_url,
        )
        base = [["search"], ["calculator"]]
        plans: dict[str, dict[str, list[Any]]] = {
            "agent_error": {FAST: ["error"]},
            "parallel": {FAST: [["search", "calculator"]]},
            "streaming": {FAST: [["search", "calculator"]]},
            "nested": {GREAT: [["ask_researcher"]], FAST: base},
            "handoff": {GREAT: [["transfer_to_research_agent"]], FAST: base},
            "cancelled": {FAST: [["slow"]]},
            "simple": {FAST: []},
            "mid_error": {FAST: [["search"], "error"]},
        }
        self.api.plans = plans.get(scenario, {FAST: base})

    # --- tools -----------------------------------------------------------------------------------

    def search(self, query: str) -> str:
        """Search the web."""
        self.tools["search", "ok"] += 1
        return "found"

    def calculator(self, expression: str) -> str:
        """Calculate."""
        if self.scenario.startswith("tool_error"):
            self.tools["calculator", "error"] += 1
            raise ToolBoom("calculator exploded")
        self.tools["calculator", "ok"] += 1
        return "4"

    async def slow(self, query: str) -> str:
        """Take forever."""
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            self.tools["slow", "cancelled"] += 1
            raise
        return "late"

    def called(self, name: str) -> None:
        """Note a tool call that went well."""
        self.tools[name, "ok"] += 1

    def tool_error(self) -> None:
        """Note that the tool call noted last failed."""

    # --- truth -----------------------------------------------------------------------------------

    def ran(self, name: str, role: str = "top", outcome: str = "ok", error: object = None) -> None:
        """Note an agent that ran."""
        self.agents.append({"name": name, "role": role, "outcome": outcome, "error_type": error})

    def attempt(self, name: str, run: Callable[[], Any], *others: tuple[str, str]) -> Any:
        """Run the outermost agent, and note what came of it."""
        outcome, error, result = "ok", None, None
        try:
            result = run()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as raised:  # noqa: BLE001
            cancelled = isinstance(raised, asyncio.CancelledError)
            outcome, error = ("cancelled", None) if cancelled else ("error", type(raised).__name__)
            if os.environ.get("LAB_DEBUG"):
                traceback.print_exc()
        self.ran(name, "top", outcome, error)
        for other, role in others:
            self.ran(other, role)
        return result

    def save(self, framework: str, instrumentation: str, packages: list[str], folder: str) -> None:
        """Write spans and truth."""
        self.provider.force_flush()
        stem = f"{folder}/{framework}__{instrumentation}__{self.scenario}"
        about = {
            "framework": framework,
            "instrumentation": instrumentation,
            "scenario": self.scenario,
        }
        self.recorder.save(f"{stem}.json", **about)
        good = [call for call in self.api.calls if call.status == 200]
        versions = {}
        for package in packages:
            try:
                versions[package] = version(package)
            except PackageNotFoundError:
                versions[package] = None
        truth = {
            **about,
            "versions": versions,
            "agents": self.agents,
            "tool_calls": [
                {"name": name, "outcome": outcome, "count": count}
                for (name, outcome), count in sorted(self.tools.items())
            ],
            "llm_calls_ok": len(good),
            "llm_calls_error": len(self.api.calls) - len(good),
            "tokens": {
                "input": sum(call.input_tokens for call in good),
                "output": sum(call.output_tokens for call in good),
                "cached_input": CACHED * len(good),
                "reasoning_output": REASONING * len(good),
            },
            "notes": self.notes,
        }
        with open(f"{stem}.expect.json", "w", encoding="utf-8") as file:
            json.dump(truth, file, indent=1)


def main() -> None:
    """Run ``lab.py FRAMEWORK INSTRUMENTATION SCENARIO FOLDER``."""
    framework, instrumentation, scenario, folder = sys.argv[1:5]
    here = os.path.dirname(os.path.abspath(__file__))
    path = os.path.join(here, "drivers", framework.replace("-", "_") + ".py")
    spec = importlib.util.spec_from_file_location("driver_of_" + framework, path)
    driver = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(driver)
    lab = Lab(scenario)
    if instrumentation != "native":
        for one in instrumentation.split("+"):
            driver.INSTRUMENT[one](lab)
    elif hasattr(driver, "native"):
        driver.native(lab)
    driver.run(lab)
    lab.save(framework, instrumentation, driver.PACKAGES, folder)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
