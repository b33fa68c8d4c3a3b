"""A report by mail: what is in the mail, and how it goes to the server."""

__all__: list[str] = []
