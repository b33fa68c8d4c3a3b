"""Which publisher was meant, where there is none of the name that was given."""

import difflib
from collections.abc import Sequence
from typing import Final

#: Publishers that are named where none is like the one that was asked for.
_SHOWN: Final = 5
#: Publishers that are named where some are.
_MOST: Final = 2
_CUTOFF: Final = 0.6


def instead_of(asked: str, known: Sequence[str]) -> str:
    """Return a sentence on what to ask for.

    Args:
        asked: The publisher that is not known.
        known: Those that are.
    """
    found = _like(asked, known)
    if found:
        return f"Did you mean {' or '.join(repr(each) for each in found)}?"
    if not known:
        return "Check the id; capitals count."
    shown = ", ".join(repr(each) for each in known[:_SHOWN])
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return f"It knows {shown}{more}."


def _like(asked: str, known: Sequence[str]) -> list[str]:
    """Return the ids that are nearest, capitals and signs aside."""
    plain = {each: _letters(each) for each in known}
    wanted = _letters(asked)
    near = difflib.get_close_matches(wanted, list(plain.values()), n=_MOST, cutoff=_CUTOFF)
    inside = [
        each for each in plain.values() if wanted and each and (wanted in each or each in wanted)
    ]
    words = dict.fromkeys([*near, *inside])
    return [each for word in words for each in known if plain[each] == word][:_MOST]


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
