"""Keeps passwords out of what is printed."""

import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Final

#: Variables whose values are secrets, or have some in them.
_SECRET: Final = re.compile(
    r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|AUTHORIZATION|HEADERS$", re.IGNORECASE
)
_USER: Final = re.compile(r"(?<=://)[^/?#\s'\"]*@")
_HIDDEN: Final = "…"
#: A shorter value is no secret, and would be found in many words.
_SHORTEST: Final = 4


def concealer(environment: Mapping[str, str]) -> Callable[[str], str]:
    """Return what takes out of a text the secrets of an environment, and passwords in URLs."""
    secrets = sorted(set(_secrets(environment)), key=len, reverse=True)

    def conceal(text: str) -> str:
        for secret in secrets:
            text = text.replace(secret, _HIDDEN)
        return _USER.sub(f"{_HIDDEN}@", text)

    return conceal


def _secrets(environment: Mapping[str, str]) -> Iterator[str]:
    for name, value in environment.items():
        found = [value.strip()] if _SECRET.search(name) else []
        if found and name.upper().endswith("HEADERS"):
            pairs = [(pair.partition("=")[2] or pair).strip() for pair in value.split(",")]
            found += pairs + [urllib.parse.unquote(pair) for pair in pairs]
        user = _USER.search(value)
        if user:
            found.append(user.group().removesuffix("@"))
            found.append(user.group().removesuffix("@").partition(":")[2])
        for each in found:
            if len(each) >= _SHORTEST:
                yield each
                yield from each.split(" ")[1:] if each.startswith(("Bearer ", "Basic ")) else ()
