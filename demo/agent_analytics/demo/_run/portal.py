"""The portal over the demo's Prometheus, where it is installed."""

from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any


@contextmanager
def portal_over(prometheus_url: str, *, scrape_seconds: int = 5) -> Generator[str]:
    """Serve the portal on a free loopback port, and yield its address.

    It is empty where what serves the portal is not installed (the extra ``portal``), or its page is
    not built: the demo shows all the rest without.

    Args:
        prometheus_url: Where Prometheus is.
        scrape_seconds: How often it scrapes, or has scraped.
    """
    try:
        portal: Any = import_module("agent_analytics.portal")
    except ModuleNotFoundError:
        yield ""
        return
    if not portal.page_is_built():
        yield ""
        return
    app = portal.make_portal_app(prometheus_url, scrape_seconds=scrape_seconds)
    with portal.served(app) as address:
        yield address
