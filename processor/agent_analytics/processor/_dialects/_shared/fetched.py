"""Requests that fetch an answer which a model gave before: no call is made, and none is paid."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

_OPERATION: Final = "gen_ai.operation.name"
_METHOD: Final = "http.request.method"
_OLD_METHOD: Final = "http.method"
#: Methods of clients, in the names of spans and as operations.
_FETCH: Final = re.compile(
    r"(?:^|[.:/ _])(?:"
    r"(?:responses?|(?:chat[._])?completions?|messages|interactions?|runs?)"
    r"[._](?:a?retrieve|a?get|a?poll|a?fetch|a?list|a?cancel|results?|input_items)"
    r"|(?:retrieve|get|poll|fetch|list|cancel)_(?:chat_completions?|completions?|responses?)"
    r")(?:$|[ _])",
    re.IGNORECASE,
)
#: Operations alike.
FETCHES: Final = ("responses.retrieve", "retrieve_response", "get_response", "retrieve", "poll")
_LONGEST: Final = 256
_REMEMBERED: Final = 1_000


def is_fetched(name: str, attributes: Mapping[str, Any]) -> bool:
    """Tell whether a span that is marked as a model call fetches an answer that was given before.

    Args:
        name: The span's.
        attributes: The span's.
    """
    get = attributes.get
    if get(_METHOD) == "GET" or get(_OLD_METHOD) == "GET" or get(_OPERATION) in FETCHES:
        return True
    return len(name) <= _LONGEST and _is_called_so(name)


@lru_cache(_REMEMBERED)
def _is_called_so(name: str) -> bool:
    return _FETCH.search(name) is not None
