#!/usr/bin/env python3
"""Takes pictures of every page of the portal: dark and light, on a desk and on a phone.

A portal over a past is to run, such as that of `make history`, whose address and end it prints:

    scripts/portal_pictures.py http://127.0.0.1:8460 --at 2026-11-24T12:30
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

WIDTHS = {"desk": 1400, "phone": 375}
#: How far each dashboard looks back, in days.
PAGES = {
    "publisher": 30,
    "agent": 0.25,
    "revenue": 30,
    "marketplace": 30,
    "oncall": 0.04,
    "health": 0.25,
}
MINUTE = 60_000


def main() -> int:
    """Take the pictures, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("portal", help="its address")
    parser.add_argument("--at", required=True, help="end of the past, UTC")
    parser.add_argument(
        "--to", type=Path, default=Path("pictures"), help="directory of the pictures"
    )
    parser.add_argument("--variables", default="", help="such as var-publisher=harbor")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)
    end = datetime.fromisoformat(options.at).replace(tzinfo=UTC).timestamp() * 1000
    paths = {
        name: f"d/agent-analytics-{name}?from={end - days * 86_400_000:.0f}&to={end:.0f}&refresh="
        f"&{options.variables}"
        for name, days in PAGES.items()
    } | {"insights": "insights?"}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        for name, path in paths.items():
            for theme in ("dark", "light"):
                for where, width in WIDTHS.items():
                    file = options.to / f"portal-{name}-{theme}-{where}.png"
                    take(browser, f"{options.portal}/{path}&theme={theme}", width, file)
                    print(file)
        browser.close()
    return 0


def take(browser: Browser, address: str, width: int, file: Path) -> None:
    """Take a picture of a whole page, once it has been drawn."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(address)
    page.locator("[data-panel], .note, .warning").first.wait_for(timeout=MINUTE)
    expect(page.locator("[data-state=loading]")).to_have_count(0, timeout=MINUTE)
    page.screenshot(path=file, full_page=True)
    page.close()


if __name__ == "__main__":
    sys.exit(main())
