"""Basic authentication by bcrypt hashes: what is known of a credential, and what is not."""

import base64
import hashlib
import hmac
import importlib
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, cast

_HASH: Final = re.compile(r"\$2[abxy]\$(0[4-9]|1\d)\$[./A-Za-z0-9]{53}")
#: bcrypt reads no more of a password; the library refuses longer ones rather than cut them.
_MAX_PASSWORD_BYTES: Final = 72
#: More than are checked in some minutes: to repeat a wrong one gains nothing.
_REMEMBERED_FAILURES: Final = 4_096
_REMEMBERED_USERS: Final = 64
_REMEMBERED_SECONDS: Final = 900.0


class _Bcrypt(Protocol):
    def checkpw(self, password: bytes, hashed_password: bytes) -> bool: ...


@dataclass(frozen=True, slots=True)
class Credential:
    """A name and a password, as they were sent.

    Attributes:
        name: The name.
        password: The password.
        digest: Their hash, by a key that this process alone has and forgets.
    """

    name: str
    password: bytes
    digest: bytes

    def __repr__(self) -> str:
        return f"Credential({self.name!r})"


def without_password(name: str) -> str:
    """Return a name as it may stand in a message: people write a password behind a colon."""
    return re.sub(r"[:=\s].*", "…", name, flags=re.DOTALL)


class Users:
    """The users of a web configuration, and who was right and wrong lately.

    What was right within the last quarter of an hour, or wrong lately, is known without a hash; an
    unknown user costs what a wrong password costs. Both memories are bounded, hold keyed hashes
    only, and are gone with this object, which a change of the file replaces.
    """

    def __init__(
        self, hashes: Mapping[str, str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the users' bcrypt hashes by name.

        Raises:
            ValueError: A hash is none of bcrypt's.
            ImportError: bcrypt is not installed.
        """
        for name, hashed in hashes.items():
            if not _HASH.fullmatch(hashed):
                shown = without_password(name)
                msg = f"basic_auth_users: the password of {shown!r} is not a bcrypt hash"
                raise ValueError(msg)
        self._bcrypt = _load_bcrypt()
        self._hashes = {name: hashed.encode() for name, hashed in hashes.items()}
        # Of the same cost as a user's hash, so that the time does not tell who exists.
        self._nobody = max(self._hashes.values(), key=lambda hashed: hashed[4:6])[:-31] + b"." * 31
        self._key = secrets.token_bytes(32)
        self._clock = clock
        self._lock = threading.Lock()
        #: When each was last seen.
        self._right: OrderedDict[bytes, float] = OrderedDict()
        self._wrong: OrderedDict[bytes, None] = OrderedDict()

    def read(self, authorization: str) -> Credential | None:
        """Return what an ``Authorization`` header names; None where it names nobody."""
        found = _credentials(authorization)
        if found is None:
            return None
        name, password = found
        user = hashlib.sha256(name.encode()).digest()
        return Credential(name, password, hmac.digest(self._key, user + password, "sha256"))

    def known(self, credential: Credential) -> bool | None:
        """Return whether a credential was right lately; None where it has to be checked."""
        digest = credential.digest
        now = self._clock()
        with self._lock:
            seen = self._right.get(digest)
            if seen is not None and now - seen <= _REMEMBERED_SECONDS:
                self._right[digest] = now
                self._right.move_to_end(digest)
                return True
            if digest in self._wrong:
                self._wrong.move_to_end(digest)
                return False
            return None

    def check(self, credential: Credential) -> bool:
        """Return whether a credential is right by computing a hash, which takes long."""
        hashed = self._hashes.get(credential.name)
        matches = self._matches(credential.password, hashed or self._nobody)
        right = hashed is not None and matches
        with self._lock:
            if right:
                self._right[credential.digest] = self._clock()
                if len(self._right) > _REMEMBERED_USERS:
                    self._right.popitem(last=False)
            else:
                self._wrong[credential.digest] = None
                if len(self._wrong) > _REMEMBERED_FAILURES:
                    self._wrong.popitem(last=False)
        return right

    def _matches(self, password: bytes, hashed: bytes) -> bool:
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
