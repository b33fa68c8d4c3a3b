"""Exceptions of a user's own by which programs steer: for one agent or tool, or for all."""

from collections.abc import Callable, Iterator

import pytest

from agent_analytics.exporters import configure, exposition
from agent_analytics.instrumentation import agent, exceptions, tool

Said = Callable[[], dict[str, object]]


class NeedsApproval(Exception):  # noqa: N818 - it is no error
    """Asks a person."""


class NeedsTwo(NeedsApproval):
    """Asks two persons."""


class Declined(Exception):  # noqa: N818 - named as users name theirs
    """Is a failure."""


def run(work: Callable[[], object]) -> None:
    """Call what raises."""
    with pytest.raises(Exception, match=PLANTED):
        work()


PLANTED = "planted"
QUALIFIED = f"{__name__}.NeedsApproval"


@pytest.mark.parametrize("given", [NeedsApproval, QUALIFIED, "NeedsApproval"])
@pytest.mark.parametrize("decorate", [agent, tool])
def test_a_class_and_what_is_derived_from_it(
    given: type[NeedsApproval] | str, decorate: Callable[..., Callable[..., object]], said: Said
) -> None:
    """A class, or its name with or without a module, stands for what is derived from it, too."""
    for kind, outcome in ((NeedsApproval, "steered"), (NeedsTwo, "steered"), (Declined, "error")):

        def work(kind: type[Exception] = kind) -> None:
            raise kind(PLANTED)

        run(decorate(not_errors=[given])(work))  # type: ignore[arg-type]  # it is called plainly
        found = said()
        assert found["marketplace.outcome"] == outcome
        assert ("error.type" in found) == (outcome == "error")


def test_it_is_so_in_a_group(said: Said) -> None:
    """What is no error is none in a group of exceptions."""

    @agent(not_errors=[NeedsApproval])
    def work() -> None:
        raise ExceptionGroup(PLANTED, [NeedsTwo(), NeedsApproval()])

    run(work)
    assert said()["marketplace.outcome"] == "steered"


def test_it_is_so_for_one_agent_alone(said: Said) -> None:
    """What steers one agent fails another."""

    @agent
    def work() -> None:
        raise NeedsApproval("planted")  # noqa: EM101 - a test's

    run(work)
    assert said()["marketplace.outcome"] == "error"


@pytest.mark.parametrize("bad", ["NeedsApproval", 7, [7], [int], [""], [None], None])
@pytest.mark.parametrize("decorate", [agent, tool])
def test_anything_else_is_refused_where_it_is_written(
    bad: object, decorate: Callable[..., object]
) -> None:
    """A text alone, or a list of what is no exception, is a ValueError that names the argument."""
    with pytest.raises(ValueError, match="not_errors"):
        decorate(not_errors=bad)


@pytest.fixture(params=["argument", "classes", "variable"])
def lines(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[], list[str]]]:
    """Set everything up with an exception that is no error; return what returns the metrics."""
    given = None
    if request.param == "variable":
        monkeypatch.setenv("AGENT_ANALYTICS_NOT_ERRORS", f" shop.Other ,{QUALIFIED}, ")
    else:
        given = [QUALIFIED] if request.param == "argument" else (NeedsApproval,)
    with configure(metrics_port=None, hold_seconds=0, not_errors=given) as runtime:
        yield lambda: [
            line
            for line in exposition(runtime.processor)[0].decode().splitlines()
            if line[0] != "#" and line[-2:] != " 0"
        ]


def test_configure_takes_it_for_every_call(lines: Callable[[], list[str]]) -> None:
    """Every agent and tool is steered by it, until the runtime shuts down."""

    @tool
    def ask() -> None:
        raise NeedsTwo("planted")  # noqa: EM101 - a test's

    @agent(publisher_id="acme", agent_id="desk", price_usd="0.05", tenant="t")
    def work() -> None:
        ask()

    run(work)
    found = lines()
    assert 'agent_analytics_steered_total{kind="invocation"} 1' in found
    assert 'agent_analytics_steered_total{kind="tool"} 1' in found
    assert not [
        line for line in found if "invocation_errors_total" in line or "invocations_total" in line
    ]


def test_configure_is_undone() -> None:
    """A shutdown puts back what was in force before; a bad value starts nothing."""
    before = exceptions.everywhere()
    with configure(metrics_port=None, not_errors=[NeedsApproval]):
        assert exceptions.everywhere() is not before
    assert exceptions.everywhere() is before
    with pytest.raises(ValueError, match="not_errors"):
        configure(metrics_port=None, not_errors=[int])  # type: ignore[list-item]  # what is tested
    assert exceptions.everywhere() is before
