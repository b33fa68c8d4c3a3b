"""The table in the documentation is what the tests find."""

from tests.dialects.compatibility import PAGE, page


def test_the_page_is_up_to_date() -> None:
    """The committed page is the one that is generated."""
    assert PAGE.read_text(encoding="utf-8") == page()
