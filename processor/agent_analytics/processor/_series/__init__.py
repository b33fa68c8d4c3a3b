"""Where counts are kept, and what a scrape sees of them."""

__all__: list[str] = []
