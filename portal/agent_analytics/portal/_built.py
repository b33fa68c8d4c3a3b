"""The page of the portal, as Vite has built it; a wheel contains it, an sdist does not."""

from pathlib import Path
from typing import Final

#: Written by `scripts/setup-portal`, and by the build of a wheel where it is asked to.
PAGE: Final = Path(__file__).parent / "_page"
LEFT_OUT: Final = (
    "The portal's page is not in this installation: it was installed from source without"
    " AGENT_ANALYTICS_PORTAL=1. A wheel has it; in a checkout, scripts/setup-portal builds it."
)


def page_is_built() -> bool:
    """Return whether this installation contains the page."""
    return (PAGE / "index.html").is_file()
