"""configure(instrument=...): what is found, chosen, skipped, told, and switched off again."""

import json
import logging
import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from tests.zero_code.launch import PLAIN, announced, asked, install, installed, run

from agent_analytics.exporters import configure
from agent_analytics.exporters._instrument import frameworks, libraries
from agent_analytics.exporters._instrument.instrument import Instruments
from agent_analytics.exporters._instrument.packages import is_genai

TELL = """
sys.stdout.write(json.dumps(told) + "\\n"); sys.stdout.flush(); sys.stdin.read()
"""
CHOOSE = f"""
import json, logging, os, sys
logging.basicConfig(level=logging.INFO, format="%(message)s")
from agent_analytics.exporters import configure
told = []
for chosen, variables in json.loads(os.environ["CHOICES"]):
    os.environ.update(variables)
    with configure(metrics_port=None, instrument=chosen) as runtime:
        found = [[x.name, x.distribution, x.state, x.reason] for x in runtime.instrumentations]
    told.append([found, [x.state for x in runtime.instrumentations]])
    for name in variables:
        del os.environ[name]
{TELL}
"""
VARIABLE = "AGENT_ANALYTICS_INSTRUMENT"
OPENINFERENCE = ["openai", "openinference-instrumentation-openai", "on", ""]
OFFICIAL = ["openai", "opentelemetry-instrumentation-genai-openai", "on", ""]
NOT_IMPORTED = "the program has not imported pydantic_ai yet"
PYDANTIC_AI = ["pydantic-ai", "pydantic-ai-slim", "waiting", NOT_IMPORTED]
#: What these tests are about, in the order of telling; others may be installed, too.
SUBJECTS = [OPENINFERENCE[1], OFFICIAL[1], PYDANTIC_AI[1]]

Choice = tuple[object, dict[str, str]]


def choose(*choices: Choice, first: Path | None = None) -> tuple[list[Any], str]:
    """Return what a program finds that configures with each choice in turn, and its log.

    A choice is the argument ``instrument`` and variables.
    """
    return run(CHOOSE, {"CHOICES": json.dumps(choices)}, command=PLAIN, first=first)


def about_subjects(found: list[list[str]]) -> list[list[str]]:
    """Return the records of what these tests are about."""
    return [each for each in found if each[1] in SUBJECTS]


@pytest.mark.slow
@pytest.mark.parametrize("choice", [(True, {}), (None, {VARIABLE: "true"})], ids=["", "variable"])
def test_everything_that_is_installed(choice: Choice) -> None:
    """True switches on all, says so in one line, and the shutdown switches all off."""
    ((found, after),), said = choose(choice)
    assert [each[:2] for each in found] == installed()
    assert about_subjects(found) == [OPENINFERENCE, OFFICIAL, PYDANTIC_AI]
    # Where the library of another is missing or too old, it is skipped from beginning to end.
    assert after == ["skipped" if each[2] == "skipped" else "off" for each in found]
    told = announced(said)
    assert all(told.count(f"{name} ({package} ") == 1 for name, package in installed())
    on, _, waiting = told.partition("; on as soon as imported: ")
    assert on.startswith("on: ")
    assert "openai (openinference-instrumentation-openai 0." in on
    assert "pydantic-ai (pydantic-ai-slim 2." in waiting.partition("; skipped: ")[0]


def test_none_by_default() -> None:
    """Without the argument and the variable nothing is looked for, nor told."""
    told, said = choose((None, {}))
    assert told == [[[], []]]
    assert "instrumentations" not in said


CHOICES: list[tuple[Choice, list[object]]] = [
    ((["openai"], {}), [OPENINFERENCE, OFFICIAL]),
    ((["Pydantic_AI"], {}), [PYDANTIC_AI]),
    ((["opentelemetry-instrumentation-genai-openai"], {}), [OFFICIAL]),
    ((None, {VARIABLE: "pydantic-ai, openinference-instrumentation-openai"}),
     [OPENINFERENCE, PYDANTIC_AI]),
    ((False, {VARIABLE: "true"}), []),
    ((["pydantic-ai"], {VARIABLE: "openai"}), [PYDANTIC_AI]),
    # By library, however it is spelled, and by what only one distribution has.
    ((["OpenAI"], {}), [OPENINFERENCE, OFFICIAL]),
    ((["open_ai"], {}), [OPENINFERENCE, OFFICIAL]),
    ((["pydantic_ai_slim"], {}), [PYDANTIC_AI]),
    ((["PydanticAI"], {}), [PYDANTIC_AI]),
    ((None, {VARIABLE: "OpenInference_Instrumentation_OpenAI"}), [OPENINFERENCE]),
]  # fmt: skip


def test_some_by_name() -> None:
    """Names of libraries or distributions choose; the argument is believed before the variable."""
    told, _ = choose(*(choice for choice, _ in CHOICES))
    assert [found for found, _ in told] == [found for _, found in CHOICES]


@pytest.mark.parametrize(
    ("chosen", "complaint"),
    [
        (
            ["opnai"],
            r"instrument: did you mean 'openai'\? .* is called 'opnai'; there are: {there}(?m:$)",
        ),
        (["pydanticai-slm"], r"instrument: did you mean 'pydantic-ai-slim'\? "),
        (["instrumentation-openai"], r"did you mean 'open[a-z]+-instrumentation-openai'\? "),
        (["anthropic"], "anthropic needs an instrumentation, such as openinference-instr"),
        (["llama_index"], "llama-index needs an instrumentation, such as openinference-instr"),
        (["strands-agents"], "strands is not installed: "),
        (["zzzzzz"], r"instrument: no instrumentation that is installed is called 'zzzzzz'; there"),
        ("opnai", r"instrument: .* is called 'opnai'; there are: {there}(?m:$)"),
        ([], r"instrument: expected True, False or names of instrumentations, got \[\]"),
        ([" "], "instrument: expected True, False or names"),
        ([7], "instrument: expected True, False or names"),
        (7, "instrument: expected True, False or names of instrumentations, got 7"),
    ],
)
def test_a_wrong_name(chosen: Any, complaint: str) -> None:  # noqa: ANN401 - wrong on purpose
    """What names no instrumentation is refused before anything has been started."""
    there = ", ".join(sorted({name for name, _ in installed()}))
    with pytest.raises(ValueError, match=complaint.format(there=there)):
        configure(metrics_port=None, instrument=chosen)
    configure(metrics_port=None).shutdown()


#: What is named, the distributions that this means, and what becomes of the subjects.
DISABLED = [
    ("openai", SUBJECTS[:2], ["skipped", "skipped", "waiting"]),
    (" pydantic-ai , openinference-instrumentation-openai", [SUBJECTS[0], SUBJECTS[2]],
     ["skipped", "on", "skipped"]),
    ("*", [package for _, package in installed()], ["skipped", "skipped", "skipped"]),
]  # fmt: skip


@pytest.mark.slow
def test_disabled_ones() -> None:
    """OTEL_PYTHON_DISABLED_INSTRUMENTATIONS keeps what it names off, and that is told."""
    variable = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
    told, said = choose(*((True, {variable: names}) for names, _, _ in DISABLED))
    for (found, _), (_, packages, states) in zip(told, DISABLED, strict=True):
        named = [each for each in found if each[3] == f"{variable} names it"]
        assert [each[1] for each in named] == packages
        assert {each[2] for each in named} == {"skipped"}
        assert [each[2] for each in about_subjects(found)] == states
    assert said.count(f"{variable} names it") == 2 + 2 + len(installed())


NAMES = [
    # Distribution, entry point, what it instruments, and names that mean it.
    ("opentelemetry-instrumentation-openai-v2", "openai", "openai >= 1.26.0",
     ["openai", "OpenAI", "opentelemetry-instrumentation-openai-v2", "OpenAI_v2", "azure-openai",
      "OpenAIInstrumentor"]),
    ("openinference-instrumentation-langchain", "langchain", "langchain_core>=0.3.9",
     ["langchain", "langchain-core", "LangGraph", "lang_chain"]),
    ("opentelemetry-instrumentation-google-genai", "google-genai", "google-genai >=1.32",
     ["google-genai", "google_genai", "GoogleGenAI", "gemini"]),
    ("opentelemetry-instrumentation-anthropic", "anthropic", "anthropic >= 0.3", ["Claude"]),
    ("opentelemetry-instrumentation-llamaindex", "llama_index", "llama-index",
     ["llamaindex", "llama-index", "llama-index-core"]),
    ("openinference-instrumentation-bedrock", "bedrock", "boto3>=1.28",
     ["bedrock", "boto3", "botocore"]),
    ("opentelemetry-instrumentation-mistralai", "mistralai", "mistralai", ["mistral", "MistralAI"]),
    ("openinference-instrumentation-haystack", "haystack", "haystack-ai", ["haystack-ai"]),
    ("elastic-opentelemetry-instrumentation-openai", "openai", "openai", ["openai"]),
]  # fmt: skip


@pytest.mark.parametrize("known", NAMES, ids=[each[0] for each in NAMES])
def test_names_of_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: tuple[str, str, str, list[str]]
) -> None:
    """An instrumentation is meant by its entry point, its distribution, or what it instruments."""
    distribution, point, needs, names = known
    points = f"[opentelemetry_instrumentor]\n{point} = x:Y\n"
    folder = install(tmp_path, distribution, "1.0", points, needs=needs)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    for name in names:
        found = {each.distribution for each in Instruments([name], "instrument").records}
        assert distribution in found, name


def test_a_framework_that_records_by_itself() -> None:
    """It may be named like the others: nothing is to be switched, and that is said."""
    found = Instruments(["MCP"], "instrument")
    assert {each.name for each in found.records} == {"mcp"}
    library = libraries.called("model-context") or libraries.called("mcp")
    assert library is not None
    switch = frameworks.Native(library)
    switch.switch_on(TracerProvider(shutdown_on_exit=False))
    assert (switch.record.state, switch.record.reason) == ("on", "it records spans by itself")


MODULE = """
class Instrumentor:
    is_instrumented_by_opentelemetry = False

    def instrument(self, *, tracer_provider, **_):
        self.provider = tracer_provider

    def uninstrument(self):
        raise RuntimeError("not today")
"""


def test_what_does_not_fit_is_skipped(tmp_path: Path) -> None:
    """A library missing or of another version, an import or a class gone: each is told."""
    for name, needs, target in (
        ("absent", "no-such-library>=1", "for_test:Instrumentor"),
        ("old", "openai<1", "for_test:Instrumentor"),
        ("gone", "", "no_such_module:Instrumentor"),
        ("odd", "", "for_test:NoSuchClass"),
    ):
        points = f"[opentelemetry_instrumentor]\n{name} = {target}\n"
        distribution = f"openinference-instrumentation-{name}"
        install(tmp_path, distribution, "1.0", points, needs=needs, files={"for_test.py": MODULE})
    ((found, _),), said = choose((["absent", "old", "gone", "odd"], {}), first=tmp_path)
    reasons = {name: reason for name, _, _, reason in found}
    assert reasons["absent"] == "it needs no-such-library>=1, and nothing like it is installed"
    assert reasons["old"].startswith("it needs openai<1, and openai 3")
    assert reasons["gone"] == "no_such_module is not installed"
    assert reasons["odd"].startswith("it raised AttributeError: ")
    assert {state for _, _, state, _ in found} == {"skipped"}
    assert all(said.count(reason) for reason in reasons.values())


@pytest.mark.slow
def test_a_library_of_http_is_not_ours(tmp_path: Path) -> None:
    """configure(instrument=True) leaves HTTP clients and databases alone, ours come once each."""
    name = "opentelemetry-instrumentation-requests"
    points = "[opentelemetry_instrumentor]\nrequests = for_test:Instrumentor\n"
    install(tmp_path, name, "1.0", points, files={"for_test.py": MODULE})
    ((found, _),), _ = choose((True, {}), first=tmp_path)
    assert [each[:2] for each in found] == installed()


@pytest.mark.slow
def test_an_uninstrumentation_that_raises(tmp_path: Path) -> None:
    """A shutdown goes on after an instrumentation that cannot be taken out, and says which."""
    points = "[openinference_instrumentor]\nstuck = for_test:Instrumentor\n"
    name = "some-vendors-stuck"
    install(tmp_path, name, "1.0", points, files={"for_test.py": MODULE})
    ((_, after),), said = choose((["stuck", "openai"], {}), first=tmp_path)
    assert after == ["off", "off", "off"]
    assert "stuck (some-vendors-stuck 1.0) could not be switched off: RuntimeError: not" in said


@pytest.mark.slow
def test_nothing_is_recorded_after_the_shutdown(api: Any) -> None:  # noqa: ANN401 - untyped
    """The shutdown takes every instrumentation out: a provider of the program's sees no more."""
    code = f"""
import json, os, sys
from openai import OpenAI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider, SpanProcessor
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel

class Counter(SpanProcessor):
    seen = 0
    def on_end(self, span):
        Counter.seen += 1

provider = TracerProvider()
provider.add_span_processor(Counter())
trace.set_tracer_provider(provider)
from agent_analytics.exporters import configure

def use():
    before = Counter.seen
    OpenAI().chat.completions.create(model="gpt-4o", messages=[{{"role": "user", "content": "?"}}])
    Agent(TestModel(), name="finder").run_sync("hello")
    return Counter.seen - before

before = dict(os.environ)
runtime = configure(metrics_port=None, instrument=True)
told = [use()]
runtime.shutdown()
told += [use(), dict(os.environ) == before]
configure(metrics_port=None, instrument=True)
told += [use()]
{TELL}
"""
    told, _ = run(code, asked(api), command=PLAIN)
    # Two instrumentations of the client, and an agent with its model call.
    assert told == [4, 0, True, 4]


@pytest.mark.slow
def test_what_the_program_has_switched_on_is_left_alone() -> None:
    """Instrumentations of the program's own are told as on, and stay on after the shutdown."""
    code = f"""
import json, sys
from openinference.instrumentation.openai import OpenAIInstrumentor
from pydantic_ai import Agent
OpenAIInstrumentor().instrument()
Agent.instrument_all()
from agent_analytics.exporters import configure
with configure(metrics_port=None, instrument=True) as runtime:
    told = [[x.state, x.reason] for x in runtime.instrumentations
            if x.distribution in {SUBJECTS!r}]
told += [OpenAIInstrumentor().is_instrumented_by_opentelemetry, Agent._instrument_default]
{TELL}
"""
    told, _ = run(code, {}, command=PLAIN)
    own = "the program has called Agent.instrument_all() itself"
    assert told == [["on", ""], ["on", ""], ["skipped", own], True, True]


@pytest.mark.parametrize(
    ("distribution", "group", "genai"),
    [
        ("openinference-instrumentation-langchain", "opentelemetry_instrumentor", True),
        ("opentelemetry-instrumentation-genai-anthropic", "opentelemetry_instrumentor", True),
        ("opentelemetry-instrumentation-openai", "opentelemetry_instrumentor", True),
        ("opentelemetry-instrumentation-openai-v2", "opentelemetry_instrumentor", True),
        ("opentelemetry-instrumentation-openai-agents", "opentelemetry_instrumentor", True),
        ("opentelemetry_instrumentation_llamaindex", "opentelemetry_instrumentor", True),
        ("elastic-opentelemetry-instrumentation-openai", "opentelemetry_instrumentor", True),
        ("a-vendors-own", "openinference_instrumentor", True),
        ("opentelemetry-instrumentation-requests", "opentelemetry_instrumentor", False),
        ("opentelemetry-instrumentation-botocore", "opentelemetry_instrumentor", False),
        ("opentelemetry-instrumentation-openai-shop", "opentelemetry_instrumentor", False),
        ("opentelemetry-instrumentation", "opentelemetry_instrumentor", False),
        ("opentelemetry-instrumentation-pinecone", "opentelemetry_instrumentor", False),
        ("a-vendors-own", "opentelemetry_instrumentor", False),
    ],
)
def test_what_is_genai(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, distribution: str, group: str, *, genai: bool
) -> None:
    """Distributions and groups tell instrumentations of GenAI from those that share the prefix."""
    points = f"[{group}]\nx_for_test = x:Y\n"
    monkeypatch.setattr(
        sys, "path", [f"{install(tmp_path, distribution, '1.0', points)}", *sys.path]
    )
    found: list[EntryPoint] = [x for x in entry_points(group=group) if x.name == "x_for_test"]
    assert [is_genai(each) for each in found] == [genai]


def test_the_records_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """One line at INFO more than without instrumentations, whatever was found."""
    logged: list[list[tuple[str, str]]] = []
    for instrument in (False, ["pydantic-ai"]):
        caplog.clear()
        with caplog.at_level(logging.INFO, "agent_analytics"):
            configure(metrics_port=None, instrument=instrument, tenant_key="k").shutdown()
        logged.append([(record.levelname, record.getMessage()) for record in caplog.records])
    without, told = logged
    ours = "agent-analytics: instrumentations "
    assert not [message for _, message in without if message.startswith(ours)]
    ((level, _),) = [line for line in told if line[1].startswith(ours)]
    assert level == "INFO"
