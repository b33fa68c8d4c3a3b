"""The table in the documentation is what the live runs found."""

from tests.frameworks.compatibility import PAGE, page, results
from tests.frameworks.matrix import CANNOT, FRAMEWORKS


def test_the_page_is_up_to_date() -> None:
    """The committed page is the one that is generated from the committed results."""
    assert PAGE.read_text(encoding="utf-8") == page(results())


def test_the_results_are_of_all_runs() -> None:
    """Every framework, instrumentation and scenario that is to be run was run, and went well."""
    found = {(one["framework"], one["instrumentation"]): one for one in results()}
    planned = {
        (name, instrumentation): framework
        for name, framework in FRAMEWORKS.items()
        for instrumentation in framework.instrumentations
        if f"{name}/{instrumentation}" not in CANNOT
    }
    assert found.keys() == planned.keys()
    for key, entry in found.items():
        assert entry["passed"] == list(planned[key].scenarios), key
        assert entry["not_passed"] == [], key
    assert len(FRAMEWORKS) >= 10
