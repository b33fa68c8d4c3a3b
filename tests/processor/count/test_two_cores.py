"""The compiled core shows, byte for byte, what the core in Python shows."""

import difflib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.effort import examples
from tests.processor.count.one_core import SCOPES

from agent_analytics.instrumentation import vocabulary as v
from agent_analytics.processor import _compiled

ROOT = Path(__file__).resolve().parents[3]
FOLDER = Path(_compiled.__file__).parent
COMPILED = sorted(FOLDER.glob(f"*.{sys.implementation.cache_tag}*.so"))

IDS = st.sampled_from(["acme", "acme", "globex", "initech", "", "a" * 300])
AMOUNTS = st.sampled_from(["0.05", "0.1000000005", 1.5, "1e9", "-1", "none", True, 3, float("nan")])
NUMBERS = st.sampled_from([0, 1, 700, 10**9, 10**9 + 1, 2**63 - 1, -1, 3.0, 2.5])
OPERATIONS = st.sampled_from([v.INVOKE_AGENT, v.INVOKE_AGENT, v.EXECUTE_TOOL, "chat", "plan"])
AGENTS = st.sampled_from(["finder", "seeker", "helper", "other", 5])
MORE: dict[str, st.SearchStrategy[Any]] = {
    v.AGENT_NAME: st.sampled_from(["Finder", "Seeker"]),
    v.AGENT_VERSION: st.sampled_from(["1", "2"]),
    v.TENANT_ID: st.sampled_from(["t1", "t2", "", 7]),
    v.TOOL_NAME: st.sampled_from(["search", "fetch", "third"]),
    v.OUTCOME: st.sampled_from([*v.OUTCOMES, v.STEERED, "odd"]),
    v.ERROR_TYPE: st.sampled_from(["ValueError", "x.KeyError", "_OTHER"]),
    v.REVENUE_USD: AMOUNTS,
    v.REFUND_USD: AMOUNTS,
    v.COST_USD: AMOUNTS,
    v.INPUT_TOKENS: NUMBERS,
    v.OUTPUT_TOKENS: NUMBERS,
    v.CACHED_INPUT_TOKENS: NUMBERS,
    v.REASONING_TOKENS: NUMBERS,
    v.USAGE_OWN: st.booleans(),
    v.REQUEST_MODEL: st.sampled_from(["gpt-large", "gpt-small"]),
    v.CONVERSATION_ID: st.sampled_from(["c1", "c2"]),
    v.TIME_TO_FIRST_CHUNK: st.sampled_from([0.2, 3.0, -1.0]),
    v.DURATION_UNKNOWN: st.booleans(),
    v.TOOL_RESULT_BYTES: st.sampled_from([0, 1_000, 1_001, 10**12, 10**12 + 1, -1, "9", True]),
    v.TOOL_REPEATED: st.sampled_from([True, False, "yes"]),
    v.EVENT: st.sampled_from([*v.EVENTS, "odd"]),
    v.EVENT_ID: st.sampled_from(["e1", "e2"]),
}
WHOSE = {v.OPERATION_NAME: OPERATIONS, v.PUBLISHER_ID: IDS, v.AGENT_ID: AGENTS}
ATTRIBUTES = st.fixed_dictionaries(WHOSE, optional=MORE) | st.fixed_dictionaries(
    {}, optional={**WHOSE, **MORE}
)
#: Nanoseconds; some spans end before they start, some have lasted for years. The SDK takes whatever
#: it is given: what ``time.time() * 1e9`` makes, fractions (here lists), text, no 64 bits.
ODD_TIMES = [1e9, 2.5e9, 1e300, [10**10, 3], "1000000000", "now", 2**63, 2**70, -(10**19), -5]
TIMES = st.sampled_from([0, 1, 10**8, 10**9, 3 * 10**10, 10**18, *ODD_TIMES])
BACK = st.integers(0, 5)
STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("start"),
            st.integers(0, len(SCOPES) - 1),
            st.none() | BACK,
            ATTRIBUTES,
            TIMES,
        ),
        st.tuples(st.just("end"), BACK, TIMES, st.booleans()),
        st.tuples(st.just("scrape"), st.sampled_from([0.0, 31.0, 301.0, 900.0])),
        st.tuples(st.just("fork"), st.just(31.0)),
    ),
    max_size=40,
)


class Cores:
    """Two programs that count: one with each core."""

    def __init__(self) -> None:
        self._programs = [self._start(pure=pure) for pure in (False, True)]
        self.names = [self._said(program) for program in self._programs]

    @staticmethod
    def _start(*, pure: bool) -> subprocess.Popen[str]:
        env = {**os.environ, "AGENT_ANALYTICS_PURE": "1" if pure else ""}
        return subprocess.Popen(  # what is tested is an import: no fork has both
            [sys.executable, "-m", "tests.processor.count.one_core"],
            cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    @staticmethod
    def _said(program: subprocess.Popen[str]) -> str:
        assert program.stdout is not None
        return program.stdout.readline().strip()

    def count(self, workload: object, states: tuple[str | None, str | None]) -> list[list[str]]:
        """Return what each shows of a workload."""
        for program, state in zip(self._programs, states, strict=True):
            assert program.stdin is not None
            program.stdin.write(json.dumps([state, workload]) + "\n")
            program.stdin.flush()
        return [json.loads(self._said(program)) for program in self._programs]

    def stop(self) -> None:
        """End both programs."""
        for program in self._programs:
            program.communicate()


def differences(shown: list[list[str]]) -> str:
    """Return the lines in which two cores differ; there are none."""
    compiled, pure = shown
    assert len(compiled) == len(pure)
    return "\n".join(
        line
        for one, other in zip(compiled, pure, strict=True)
        if one != other
        for line in difflib.unified_diff(one.splitlines(), other.splitlines(), n=0, lineterm="")
    )


@pytest.fixture(scope="module")
def cores() -> Iterator[Cores]:
    """Both cores, ready to count."""
    if not COMPILED:
        pytest.skip("no compiled core here (hatch_build.py says why when it builds)")
    both = Cores()
    yield both
    both.stop()


def test_one_of_each(cores: Cores) -> None:
    """What is compared is the compiled core, of this very source, and the core in Python."""
    assert cores.names == ["compiled core", "pure Python core (AGENT_ANALYTICS_PURE is set)"]


@given(steps=STEPS)
@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_comes(cores: Cores, steps: list[Any]) -> None:
    """Counts, order, exemplars, holds, caps, forks and resets are alike, in memory."""
    assert differences(cores.count(steps, (None, None))) == ""


@given(steps=STEPS)
@settings(
    max_examples=examples(15),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_is_kept(
    cores: Cores, steps: list[Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same in a state directory."""
    folder = tmp_path_factory.mktemp("two-cores")
    assert differences(cores.count(steps, (str(folder / "one"), str(folder / "two")))) == ""


@pytest.mark.parametrize("left", [0, 1, 60, 2 * 10**9])
def test_what_no_longer_fits(cores: Cores, left: int, tmp_path: Path) -> None:
    """A cell that is full is left as it is by both, and so is what comes after it."""
    call = {
        v.OPERATION_NAME: v.INVOKE_AGENT,
        v.PUBLISHER_ID: "acme",
        v.AGENT_ID: "finder",
        v.OUTCOME: v.ERROR,
        v.REVENUE_USD: "1.5",
        v.REFUND_USD: "0.5",
        v.COST_USD: "1.25",
        v.INPUT_TOKENS: 50,
        v.OUTPUT_TOKENS: 20,
        v.CACHED_INPUT_TOKENS: 5,
        v.REASONING_TOKENS: 5,
        v.TENANT_ID: "t1",
        v.CONVERSATION_ID: "c1",
        v.TIME_TO_FIRST_CHUNK: 0.2,
    }
    use = {
        v.OPERATION_NAME: v.EXECUTE_TOOL,
        v.TOOL_NAME: "search",
        v.OUTCOME: v.SUCCESS,
        v.TOOL_RESULT_BYTES: 50,
        v.TOOL_REPEATED: True,
    }
    once = [
        ["start", 0, None, call, 0],
        ["start", 0, 0, use, 0],
        ["end", 0, 10**9, False],
        ["end", 1, 2 * 10**9, False],
    ]
    steps = [*once, ["scrape", 31.0], ["fill", left], *once, *once, ["scrape", 31.0]]
    assert differences(cores.count(steps, (None, None))) == ""
    assert differences(cores.count(steps, (str(tmp_path / "one"), str(tmp_path / "two")))) == ""
