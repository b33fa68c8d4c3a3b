"""Which tests run beside which: parallel workers, with what is costly made once."""

import gc
import os
from collections.abc import Generator

import pytest
from hypothesis import settings
from tests.patience import patience

from agent_analytics.instrumentation import mistakes

# How hard tests of properties look. `examples()` of tests/effort.py goes by the profile's number.
# In CI the examples are the same each time, so that a failure is of the change and can be repeated.
_SAME = bool(os.environ.get("CI"))
settings.register_profile("quick", max_examples=100, deadline=None, derandomize=_SAME)
settings.register_profile("thorough", max_examples=1000, deadline=None, derandomize=_SAME)
settings.load_profile("quick")


@pytest.fixture(autouse=True)
def no_mistakes() -> None:
    """Let each test begin as a process does, of which no mistake was said yet."""
    mistakes.forget()


#: Kinds of tests that wait for other processes: they start first, so that none is left at the end.
LONG = ("packaging", "servers")


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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Send tests that share a fixture of a wider scope to one worker, and put long tests first.

    A fixture that lives longer than a test was costly enough for its author to share it.
    """
    if not config.pluginmanager.hasplugin("xdist"):
        return
    groups: dict[str, str] = {}

    def find(name: str) -> str:
        while groups.setdefault(name, name) != name:
            name = groups[name]
        return name

    shared = {item: sorted(_shared_fixtures(item)) for item in items}
    for names in shared.values():
        for name in names[1:]:
            groups[find(name)] = find(names[0])
    for item, names in shared.items():
        if names:
            item.add_marker(pytest.mark.xdist_group(find(names[0])))
    items.sort(key=lambda item: not any(map(item.get_closest_marker, LONG)))


def _shared_fixtures(item: pytest.Item) -> set[str]:
    """Return names of the project's fixtures that a test shares with others."""
    info = getattr(item, "_fixtureinfo", None)
    found: set[str] = set()
    for name, definitions in info.name2fixturedefs.items() if info else ():
        fixture = definitions[-1]
        # Those of plugins have no base, and every worker makes its own for next to nothing.
        if fixture.scope == "function" or not fixture.baseid:
            continue
        alive = "" if fixture.scope in ("session", "package") else item.nodeid.partition("::")[0]
        found.add(f"{fixture.baseid}:{name}:{alive}".replace("@", ""))
    return found


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let the bound of a test grow with the load of the machine, as what it waits for does."""
    quiet = float(item.config.getini("timeout"))
    if item.config.getoption("timeout") is None and not item.get_closest_marker("timeout"):
        item.add_marker(pytest.mark.timeout(patience(quiet)))
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Show the name of a test without the group that xdist appends, so that it can be run again."""
    name, _, group = report.nodeid.rpartition("@")
    if name and "]" not in group:
        report.nodeid = name
