"""Debian's Chromium, in which tests look at the portal's pages."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from tests.patience import patience

from agent_analytics.portal import page_is_built


@contextmanager
def chromium() -> Generator[Browser]:
    """Run a browser, or skip where there is none, or no page to look at."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed (Debian: chromium)")
    if not page_is_built():
        pytest.skip("the portal's page is not built (scripts/setup-portal)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass(slots=True)
class Seen:
    """A page, and what the browser had to say of it.

    Attributes:
        page: The page.
        complaints: Errors and warnings of the console, and what nothing has caught.
        asked: Bodies of the questions that the page has sent.
    """

    page: Page
    complaints: list[str] = field(default_factory=list[str])
    asked: list[str] = field(default_factory=list[str])

    def settle(self) -> None:
        """Wait until every panel of a dashboard has been drawn, or says why not."""
        panels = self.page.locator("[data-panel]")
        panels.first.wait_for(timeout=patience() * 1000)
        loading = self.page.locator("[data-state=loading]")
        expect(loading).to_have_count(0, timeout=patience() * 1000)

    def states(self) -> dict[str, str]:
        """Return the state of each panel by its title."""
        found: list[list[str]] = self.page.locator("[data-panel]").evaluate_all(
            "all => all.map(each => [each.getAttribute('aria-label'), each.dataset.state])"
        )
        return {title: state for title, state in found}  # noqa: C416 - pairs are lists here

    def overflow(self) -> int:
        """Return how many pixels of the page are out of sight at its side."""
        found: int = self.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return found


@contextmanager
def seen(
    browser: Browser, address: str = "", *, width: int = 1400, bypass_csp: bool = False
) -> Generator[Seen]:
    """Open a page at an address, or an empty one, and yield it with what the browser says."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, bypass_csp=bypass_csp, timezone_id="Asia/Kolkata"
    )
    page = context.new_page()
    found = Seen(page)
    page.on(
        "console",
        lambda said: (
            found.complaints.append(said.text) if said.type in {"error", "warning"} else None
        ),
    )
    page.on("pageerror", lambda error: found.complaints.append(str(error)))
    page.on(
        "request",
        lambda request: (
            found.asked.append(request.post_data or "") if request.method == "POST" else None
        ),
    )
    if address:
        page.goto(address, timeout=patience() * 1000)
    yield found
    context.close()
