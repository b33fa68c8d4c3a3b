"""Which tests run beside which: parallel workers, with what is costly made once."""

import gc
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from tests.patience import patience

from agent_analytics.instrumentation import health, mistakes

# How hard tests of properties look. `examples()` of tests/effort.py goes by the profile's number.
# In CI the examples are the same each time, so that a failure is of the change and can be repeated.
# To make the one that fails smaller takes a slow test ten minutes, in which it looks like one that
# hangs: that is for whoever repeats it.
_SAME = bool(os.environ.get("CI"))
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate) if _SAME else tuple(Phase)
for _name, _examples in (("quick", 100), ("thorough", 1000)):
    settings.register_profile(
        _name, max_examples=_examples, deadline=None, derandomize=_SAME, phases=_PHASES
    )
settings.load_profile("quick")


def _remember_lines() -> None:
    """Have the official parsers read each line of an exposition once.

    They took two fifths of the time of the tests of counting, which scrape the same listings again
    and again. What a line means depends on nothing but the line; the rest they read in each text.
    """
    for name in ("prometheus_client.parser", "prometheus_client.openmetrics.parser"):
        parser: Any = import_module(name)
        parser._parse_sample = lru_cache(20_000)(parser._parse_sample)  # noqa: SLF001 - see above


_remember_lines()


@pytest.fixture(autouse=True)
def as_a_process_begins() -> None:
    """Let each test begin as a process does: no mistake was said yet, no error was counted."""
    mistakes.forget()
    health._counts.update(errors=0, unrecorded=0)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # nobody else takes them back


@pytest.fixture(scope="module", autouse=True)
def without_what_was_before() -> None:
    """Leave what earlier modules keep out of garbage collections, too: frameworks, caches."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def temporary_directory() -> Iterator[None]:
    """Give each worker a directory for what processes share by it.

    A process that counts in memory claims its port by a file there, by which another worker that
    answers on the same number would be refused.
    """
    own = tempfile.mkdtemp()  # a short path: names of sockets have no room for pytest's
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", own)
        patch.setattr(tempfile, "tempdir", own)
        yield
    shutil.rmtree(own, ignore_errors=True)


#: Kinds of tests that wait for other processes: they start first, so that none is left at the end.
LONG = ("packaging", "servers")

#: Files and folders whose tests share what takes long to make: a market, a demo, a wheel, servers.
#: Each worker would make its own, and run frameworks anew whose results it keeps for several tests.
TOGETHER = (
    "tests/demo/test_end_to_end.py",
    "tests/docs/test_production.py",
    "tests/frameworks/test_guides.py",
    "tests/frameworks/test_live.py",
    "tests/history/",
    "tests/insights/dashboards/test_dashboard_data.py",
    "tests/insights/promql/test_expressions.py",
    "tests/insights/prometheus/test_receivers.py",
    "tests/packaging/test_wheel.py",
    "tests/report/",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return how many workers to start: two processors are kept busy by three.

    Many tests wait for processes that they started.
    """
    given = os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS")
    return int(given) if given else (os.cpu_count() or 1) * 3 // 2


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Leave what was collected out of garbage collections: tests that ask for many took minutes."""
    gc.collect()
    gc.freeze()


#: Folders and files for whose slow tests CI has no time: mostly further cases of quicker ones, and
#: promtool cases of insights, some of which have no quicker one.
MATRICES = (
    "tests/dialects/",
    "tests/docs/test_production.py",
    "tests/durable/test_errors.py",
    "tests/durable/test_fork.py",
    "tests/durable/test_formats.py",
    "tests/frameworks/",
    "tests/history/test_portal.py",
    "tests/history/test_round_trip.py",
    "tests/history/test_weeks.py::test_months",
    "tests/insights/",
    "tests/mcp/",
    "tests/packaging/",
    "tests/portal/test_page.py::test_axe_finds_nothing[light]",
    "tests/portal/test_page.py::test_no_page_scrolls_sideways[700]",
    "tests/processor/runs/",
    "tests/zero_code/",
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests of matrices, and put long tests first."""
    for item in items:
        if item.nodeid.startswith(MATRICES) and item.get_closest_marker("slow"):
            item.add_marker("matrix")
    items.sort(key=lambda item: not any(map(item.get_closest_marker, LONG)))


def pytest_itemcollected(item: pytest.Item) -> None:
    """Skip what is to run on the current engines where they are not built, and say so."""
    wanted = os.environ.get("AGENT_ANALYTICS_ENGINES", "")
    missing = [place for place in wanted.split(os.pathsep) if place and not Path(place).is_dir()]
    if missing:
        names = ", ".join(Path(place).name for place in missing)
        item.add_marker(pytest.mark.skip(f"not built by `make engines`: {names}"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:  # noqa: ANN401 - xdist's
    """Send the tests of each place in ``TOGETHER`` to one worker, every other where there is room.

    The marks that xdist has for it change nothing under pytest 9.2.
    """
    scheduler: Any = import_module("xdist.scheduler").LoadScopeScheduling(config, log)
    scheduler._split_scope = _place  # noqa: SLF001 - meant to be replaced
    return scheduler


def _place(name: str) -> str:
    return next((place for place in TOGETHER if name.startswith(place)), name)


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let the bound of a test grow with the load of the machine, as what it waits for does."""
    quiet = float(item.config.getini("timeout"))
    if item.config.getoption("timeout") is None and not item.get_closest_marker("timeout"):
        item.add_marker(pytest.mark.timeout(patience(quiet)))
    return (yield)
