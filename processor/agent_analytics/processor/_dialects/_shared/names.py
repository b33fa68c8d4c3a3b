"""Names that may be labels: without the ids that frameworks put into them."""

import re
from functools import lru_cache
from typing import Final

#: Ids that are random per object or per run, inside names: never part of a label.
_RANDOM: Final = re.compile(
    # From where what stands before it begins: from each place in there would take long.
    r"(?<![\s_\-:/.#(\[])[\s_\-:/.#(\[]*(?:"
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|"
    r"(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{24,64}|"
    # Shorter ones stand apart, or words and dates would be among them.
    r"(?:(?<=[\s_\-:/.#(\[])|(?<![0-9a-z]))(?:"
    r"0x[0-9a-f]{6,16}|"
    r"(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,23}|"
    r"(?=[0-9a-z]*[0-9])(?=[0-9a-z]*[a-z])[0-7][0-9abcdefghjkmnpqrstvwxyz]{25}|"
    r"[0-9]{10,20}"
    r")(?![0-9a-z])"
    r")[)\]]*",
    re.IGNORECASE,
)
_SHORTEST_ID: Final = 8
#: A longer name is no label anyway, and would take long to search.
LONGEST: Final = 256
_REMEMBERED: Final = 1_000


def plain_name(name: object) -> str | None:
    """Return a name without random ids in it, or ``None`` if nothing is left."""
    if type(name) is not str:
        return None
    if _SHORTEST_ID <= len(name) <= LONGEST:
        return _without_ids(name)
    return name or None


@lru_cache(_REMEMBERED)
def _without_ids(name: str) -> str | None:
    plain = _RANDOM.sub("", name)
    return name if plain == name else plain.strip() or None
