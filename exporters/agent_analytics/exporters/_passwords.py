"""Basic authentication by bcrypt hashes, without letting wrong passwords become load."""

import base64
import hashlib
import hmac
import importlib
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, Protocol, cast

_HASH: Final = re.compile(r"\$2[abxy]\$(0[4-9]|1\d)\$[./A-Za-z0-9]{53}")
#: bcrypt reads no more of a password; the library refuses longer ones rather than cut them.
_MAX_PASSWORD_BYTES: Final = 72
_REMEMBERED_FAILURES: Final = 256


class _Bcrypt(Protocol):
    def checkpw(self, password: bytes, hashed_password: bytes) -> bool: ...


class Users:
    """The users of a web configuration.

    A hash is computed once for each right password and once for each wrong one lately seen, and
    never two at a time; an unknown user costs what a wrong password costs.
    """

    def __init__(self, hashes: Mapping[str, str]) -> None:
        """Take the users' bcrypt hashes by name.

        Raises:
            ValueError: A hash is none of bcrypt's.
            ImportError: bcrypt is not installed.
        """
        for name, hashed in hashes.items():
            if not _HASH.fullmatch(hashed):
                msg = f"basic_auth_users: the password of {name!r} is not a bcrypt hash"
                raise ValueError(msg)
        self._bcrypt = _load_bcrypt()
        self._hashes = {name: hashed.encode() for name, hashed in hashes.items()}
        # Of the same cost as a user's hash, so that the time does not tell who exists.
        self._nobody = max(self._hashes.values(), key=lambda hashed: hashed[4:6])[:-31] + b"." * 31
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._right: dict[str, bytes] = {}
        self._wrong: OrderedDict[bytes, None] = OrderedDict()

    def allow(self, authorization: str) -> bool:
        """Tell whether the value of an ``Authorization`` header is a user's name and password."""
        credentials = _credentials(authorization)
        if credentials is None:
            return False
        name, password = credentials
        digest = self._digest(name, password)
        if self._is_right(name, digest):
            return True
        with self._lock:
            if self._is_right(name, digest):
                return True
            if digest in self._wrong:
                self._wrong.move_to_end(digest)
                return False
            known = name in self._hashes
            matches = self._check(password, self._hashes.get(name, self._nobody))
            if known and matches:
                self._right[name] = digest
                return True
            self._wrong[digest] = None
            if len(self._wrong) > _REMEMBERED_FAILURES:
                self._wrong.popitem(last=False)
            return False

    def _is_right(self, name: str, digest: bytes) -> bool:
        # Two wrong guesses compare alike, whether the user exists, has been seen, or neither.
        return hmac.compare_digest(self._right.get(name, bytes(len(digest))), digest)

    def _digest(self, name: str, password: bytes) -> bytes:
        user = hashlib.sha256(name.encode()).digest()
        return hmac.digest(self._key, user + password, "sha256")

    def _check(self, password: bytes, hashed: bytes) -> bool:
        try:
            return self._bcrypt.checkpw(password[:_MAX_PASSWORD_BYTES], hashed)
        except ValueError:  # a NUL byte, which no password of bcrypt's can hold
            return False


def _credentials(authorization: str) -> tuple[str, bytes] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
        name, colon, password = decoded.partition(b":")
        return (name.decode(), password) if colon else None
    except ValueError:  # not base64, or a name that is not UTF-8
        return None


def _load_bcrypt() -> _Bcrypt:
    try:
        return cast("_Bcrypt", importlib.import_module("bcrypt"))
    except ImportError as error:
        msg = (
            "basic_auth_users of a web configuration needs the package bcrypt: "
            "pip install 'agent-analytics[auth]'"
        )
        raise ImportError(msg) from error
