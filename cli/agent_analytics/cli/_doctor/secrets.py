"""Keeps passwords out of what is printed."""

import base64
import json
import re
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from typing import Final

#: Variables whose values are secrets, or have some in them.
_SECRET: Final = re.compile(
    r"KEY|TOKEN|SECRET|PASS(?!IVE)|CREDENTIAL|AUTHORIZATION|COOKIE|DSN|HEADERS$", re.IGNORECASE
)
#: A user and a password in an address, up to the last at sign: people do not encode a password.
_USER: Final = re.compile(r"(?<=://)[^\s'\"<>]*(?:@|%40)")
#: The same in the value of a variable, where nothing else stands beside it.
_OF_VALUE: Final = re.compile(r"^(?:[\w+.-]+://)?(.*)(?:@|%40)", re.DOTALL)
#: What switches are set to is no secret.
_WORDS: Final = frozenset({"true", "false", "none", "basic", "bearer"})
_HIDDEN: Final = "…"
#: A shorter value is no secret, and would be found in many words.
_SHORTEST: Final = 4


def concealer(environment: Mapping[str, str]) -> Callable[[str], str]:
    """Return what takes out of a text the secrets of an environment, and passwords in URLs."""
    found = {form for secret in _secrets(environment) for form in _forms(secret)}
    secrets = sorted(found, key=len, reverse=True)

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
        for one in value.split():
            user = _OF_VALUE.search(one)
            if user is not None:
                found += [user.group(1), user.group(1).partition(":")[2]]
        for each in found:
            if len(each) >= _SHORTEST and each.lower() not in _WORDS:
                yield each
                scheme, _, rest = each.partition(" ")
                if scheme.lower() in _WORDS and len(rest.strip()) >= _SHORTEST:
                    yield rest.strip()


def _forms(secret: str) -> Iterator[str]:
    """Yield how a secret may be written in what others say of it."""
    decoded = urllib.parse.unquote(secret)
    for each in {secret, decoded}:
        encoded = each.encode("utf-8", "surrogatepass")
        yield from (
            each,
            repr(each)[1:-1],
            json.dumps(each)[1:-1],
            urllib.parse.quote(encoded),
            urllib.parse.quote(encoded, safe=""),
            urllib.parse.quote_plus(encoded),
            base64.b64encode(encoded).decode(),
            base64.urlsafe_b64encode(encoded).decode(),
        )
