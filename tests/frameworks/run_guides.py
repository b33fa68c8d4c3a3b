"""Runs the programs of ``docs/frameworks/``, and compares what they print with what happened.

``python -m tests.frameworks.run_guides [FRAMEWORK...]`` runs each in the environment of its
framework. The exit status is 0 if every page is right, or else 1.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.dialects import recordings as r
from tests.dialects.counted import Counts, comparable, counts_in, made_up
from tests.docs import pages
from tests.frameworks import guides
from tests.zero_code.launch import ROOT, model_api, serving

SECONDS: Final = 120.0
LISTING: Final = "finder"
PUBLISHER: Final = {"AGENT_ANALYTICS_PUBLISHER_ID": "acme"}
#: What a tool of a page's program prints when it is called.
CALLED: Final = "searching: "
METRIC: Final = "marketplace_agent_"
#: Frameworks that would call home, or wait for an answer from there.
QUIET: Final = {
    "AGNO_TELEMETRY": "false",
    "ANONYMIZED_TELEMETRY": "False",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_DISABLE_TRACKING": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "HF_HUB_OFFLINE": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # Nobody listens there, so nothing leaves this machine.
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1,localhost",
}


@dataclass(frozen=True)
class Framework:
    """What of a framework the truth depends on.

    Attributes:
        tool: How it names the tool ``search`` of the program.
        ends: A tool of its own, a call of which ends a run.
        prepare: Has the model API answer as the framework asks.
    """

    tool: str = "search"
    ends: str = ""
    prepare: Callable[[Any], None] = lambda _: None


def _as_fields(api: Any) -> None:  # noqa: ANN401 - the lab is untyped, it runs in environments of its own
    """Have the model call tools by text, in the fields that dspy asks for."""
    calls = [("search", '{"query": "station"}'), ("finish", "{}")]
    fields: list[dict[str, str]] = [
        {"next_thought": "t", "next_tool_name": name, "next_tool_args": arguments}
        for name, arguments in calls
    ]
    fields.append({"reasoning": "r", "answer": api.answer})
    answers = iter(
        "".join(f"[[ ## {name} ## ]]\n{value}\n\n" for name, value in each.items())
        + "[[ ## completed ## ]]"
        for each in fields
    )
    api.plans = {}
    says = api.says

    def next_answer(*asked: object) -> object:
        api.answer = next(answers)
        return says(*asked)

    api.says = next_answer


def _as_item(api: Any) -> None:  # noqa: ANN401 - as above
    """Have the model end by JSON, as beeai asks."""
    item = {"name": "final_answer", "parameters": {"response": api.answer}}
    api.answer = json.dumps({"item": item})


SPECIAL: Final = {
    "beeai": Framework(ends="final_answer", prepare=_as_item),
    "dspy": Framework(ends="finish", prepare=_as_fields),
    "semantic-kernel": Framework(tool="Timetable-search"),
    "smolagents": Framework(ends="final_answer"),
}


@dataclass(frozen=True)
class Ran:
    """What came of a page's program.

    Attributes:
        framework: Whose page it is.
        status: The exit status of its process.
        printed: The lines that it printed, empty ones left out.
        errors: Its standard error.
        truth: What happened, as its tool and the model API saw it.
    """

    framework: str
    status: int
    printed: Sequence[str]
    errors: str
    truth: Counts


def run(framework: str, python: Path) -> Ran:
    """Run the program of a page, with the instrumentations that the page installs.

    Args:
        framework: Whose page it is.
        python: The interpreter of an environment that has the framework.
    """
    special = SPECIAL.get(framework, Framework())
    page = guides.page_of(framework)
    others = guides.instrumentations() - set(guides.installed(framework))
    with serving([special.tool]) as api, tempfile.TemporaryDirectory() as folder:
        arguments = model_api().ARGUMENTS
        arguments.setdefault(special.tool, arguments["search"])
        special.prepare(api)
        program = pages.write_programs(page, Path(folder))["finder.py"]
        done = subprocess.run(
            [str(python), str(program)],
            cwd=folder,
            env={
                **_without_settings(),
                **QUIET,
                **dict(pages.exported(page)),
                "AGENT_ANALYTICS_METRICS_PORT": "0",
                "HOME": folder,  # where some keep answers from one run to the next
                "OPENAI_API_BASE": api.base_url,
                "OPENAI_API_KEY": "sk-test",
                "OPENAI_BASE_URL": api.base_url,
                # An environment has all of its framework's instrumentations, the reader has some.
                "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": ",".join(sorted(others)),
            },
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        printed = [line for line in done.stdout.splitlines() if line.strip()]
        return Ran(framework, done.returncode, printed, done.stderr, _truth(printed, api, special))


def _without_settings() -> dict[str, str]:
    ours = ("OTEL_", "AGENT_ANALYTICS_", "OPENINFERENCE_", "OPENAI_", "PYTHON")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _truth(printed: Sequence[str], api: Any, special: Framework) -> Counts:  # noqa: ANN401 - as above
    truth = Counts(invocations=Counter({"success": 1}), agents=Counter({LISTING: 1}))
    called = sum(line.startswith(CALLED) for line in printed)
    truth.tools[special.tool, "success"] = called
    if special.ends:
        truth.tools[special.ends, "success"] = 1
    for call in api.calls:
        truth.model_calls["success" if call.status == 200 else "error"] += 1
        truth.tokens["input"] += call.input_tokens
        truth.tokens["output"] += call.output_tokens
        truth.tokens["cached_input"] += model_api().CACHED if call.status == 200 else 0
    return truth


def problems(ran: Ran) -> Iterator[str]:
    """Yield what is wrong with a page."""
    if ran.status:
        yield f"its program ended with {ran.status}: {ran.errors[-2000:]}"
        return
    if not ran.truth.tools.total() or ran.truth.model_calls.total() < 2:
        yield f"its program called no tool: {ran.truth}"
    yield from _unlike_the_page(ran)
    told = counts_in("".join(f"{line}\n" for line in ran.printed if line.startswith(METRIC)))
    if told.agents != ran.truth.agents:
        yield f"counted for {dict(told.agents)}"
    variant = guides.variant(ran.framework)
    yield from made_up(told, ran.truth, r.MISTOLD.get(variant, frozenset()))
    # The programs print no reasoning tokens.
    untold = r.untold(variant, "") | {r.REASONING}
    counted, wanted = comparable(told, untold), comparable(ran.truth, untold)
    for kind, value in wanted.items():
        if counted[kind] != value:
            yield f"{kind}: printed {counted[kind]}, and in truth {value}"


def _unlike_the_page(ran: Ran) -> Iterator[str]:
    (block,) = pages.blocks(guides.page_of(ran.framework), "text")
    shown = block.text.splitlines()
    if len(shown) != len(ran.printed):
        yield f"it shows {len(shown)} lines, and its program prints {len(ran.printed)}"
    for line, printed in zip(shown, ran.printed, strict=False):
        if not pages.shown(line).fullmatch(printed):
            yield f"it shows {line!r}, and its program prints {printed!r}"


def main() -> int:
    """Run the program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("frameworks", nargs="*", help="only these")
    wrong = 0
    asked: list[str] = parser.parse_args().frameworks
    unknown = set(asked) - set(guides.names()) - guides.ELSEWHERE.keys()
    if unknown:
        parser.error(f"no page: {', '.join(sorted(unknown))}")
    for framework in asked or [*guides.names(), *guides.ELSEWHERE]:
        if framework in guides.ELSEWHERE:
            print(f"docs/{guides.ELSEWHERE[framework]}: not here, but by make test")
            continue
        python = ROOT / ".venv-frameworks" / framework / "bin" / "python"
        if python.exists():
            try:
                found = list(problems(run(framework, python)))
            except subprocess.TimeoutExpired:
                found = [f"its program took longer than {SECONDS:.0f} s"]
        else:
            found = ["no environment"]
        wrong += bool(found)
        print(f"docs/{guides.page_of(framework)}: {'WRONG' if found else 'ok'}")
        for problem in found:
            print(f"          {problem}")
        sys.stdout.flush()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
