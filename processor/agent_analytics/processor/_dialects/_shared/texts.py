"""Objects that a span holds as text."""

import json
from typing import Any, Final, cast

#: A longer text is content.
LONGEST: Final = 4_096


def parsed(text: object, longest: int = LONGEST) -> dict[str, Any] | None:
    """Return a mapping from JSON, or from what Python prints of one without quotes inside."""
    if type(text) is not str or len(text) > longest or not text.startswith("{"):
        return None
    if '"' not in text and "\\" not in text:
        text = (
            text.replace("'", '"')
            .replace("None", "null")
            .replace("True", "true")
            .replace("False", "false")
        )
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", found) if type(found) is dict else None
