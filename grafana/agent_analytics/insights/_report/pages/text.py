"""Numbers as people read them, and names that cannot harm whoever reads them."""

import unicodedata
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeVar, cast

from agent_analytics.insights._rules.contributors import Contributor
from agent_analytics.processor import catalogue

#: What stands where a number is not available. Never 0.
ABSENT: Final = "–"
_THOUSAND: Final = 1_000
_MILLION: Final = 1_000_000
_BILLION: Final = 1_000_000_000
_MINUS: Final = "\N{MINUS SIGN}"
_CENTS: Final = 0.995
_MINUTE_MS: Final = 60_000
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_BLANKS: Final = frozenset("\t\r\v\f\x85\u2028\u2029")
#: With these a spreadsheet takes a text for a formula, in whatever width they are written.
_FORMULA: Final = frozenset("=+-@\N{MINUS SIGN}")
_LONGEST_NAME: Final = 120

_T = TypeVar("_T")


def count(value: float | None) -> str:
    """Return a count with separators."""
    return ABSENT if value is None else f"{value:,.0f}"


def short(value: float | None) -> str:
    """Return a count in few characters: 1.2M."""
    if value is None:
        return ABSENT
    for unit, sign in ((_BILLION, "B"), (_MILLION, "M"), (_THOUSAND, "k")):
        # Rounding shall not make 1000k of 999,999.
        if abs(value) >= unit * 0.9995:
            scaled = value / unit
            return f"{scaled:.0f}{sign}" if abs(scaled) >= 99.95 else f"{scaled:.1f}{sign}"  # noqa: PLR2004 - rounds to 100
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"


def usd(value: float | None) -> str:
    """Return US dollars: two places, and more where less than a dollar needs them."""
    if value is None:
        return ABSENT
    sign = _sign(value)
    size = abs(value)
    if 0 < size < _CENTS:
        places = 2 if round(size, 2) == size else 4
        text = f"{size:.{places}f}"
        return f"{sign}${text}" if float(text) else "under $0.0001"
    return f"{sign}${size:,.2f}"


def worth(value: float | None) -> str:
    """Return a sentence of what is at stake a day; empty where that is not known."""
    return "" if value is None else f"At stake: about {usd(value)} a day."


def standing(since: datetime | None, *, reopened: bool) -> str:
    """Return a sentence of since when an insight is open; empty where that is not known."""
    if since is None:
        return ""
    again = " for the second time or more" if reopened else ""
    return f"Open since {moment(since)}{again}."


def contributors(found: Sequence[Contributor]) -> str:
    """Return a sentence of what an insight mostly comes from; empty where that is not known."""
    each = (
        f"{name(one.dimension)} {name(one.name)}, {share(one.share)} of the {name(one.of)}"
        f" in {name(one.over)}"
        for one in found
    )
    return f"Top contributor: {'; '.join(each)}." if found else ""


def short_usd(value: float | None) -> str:
    """Return US dollars in few characters: $1.2k."""
    if value is None:
        return ABSENT
    if abs(value) < _THOUSAND:
        return usd(value) if 0 < abs(value) < 1 else f"{_sign(value)}${abs(value):,.0f}"
    return f"{_sign(value)}${short(abs(value))}"


def _sign(value: float) -> str:
    return _MINUS if value < 0 else ""


def share(value: float | None) -> str:
    """Return a share from 0 to 1 in per cent."""
    if value is None:
        return ABSENT
    percent = value * 100
    if 0 < percent < 0.05:  # noqa: PLR2004 - would be rounded to 0.0
        return "under 0.1 %"
    return f"{percent:.1f} %"


def milliseconds(value: float | None) -> str:
    """Return a time: under 1 ms, 820 ms, 1.9 s, 2.5 min."""
    if value is None:
        return ABSENT
    if 0 <= value < 0.5:  # noqa: PLR2004 - would be rounded to 0
        return "under 1 ms"
    if value < _THOUSAND:
        return f"{value:.0f} ms"
    if value < _MINUTE_MS:
        return f"{value / _THOUSAND:.1f} s"
    return f"{value / _MINUTE_MS:.1f} min"


def quantile(value: float | None) -> str:
    """Return a time that was read from buckets: of the first and the last one, an edge is known."""
    edges = catalogue.INVOCATION_SECONDS
    first, last = edges[0] * _THOUSAND, edges[-1] * _THOUSAND
    if value is not None and value <= first:
        return f"under {milliseconds(first)}"
    if value is not None and value >= last:
        return f"{milliseconds(last)} or more"
    return milliseconds(value)


def stars(value: float | None) -> str:
    """Return a mean rating."""
    return ABSENT if value is None else f"{value:.2f}"


def trend(value: float | None) -> str:
    """Return a relative change with its direction."""
    if value is None:
        return ABSENT
    percent = abs(value) * 100
    if percent < 0.05:  # noqa: PLR2004 - would be rounded to 0.0
        return "unchanged"
    return f"{'▲' if value > 0 else '▼'} {percent:,.1f} %"


def moment(value: datetime | None) -> str:
    """Return a time to the minute, in UTC."""
    return "unknown" if value is None else f"{value:%Y-%m-%d %H:%M} UTC"


def day(value: datetime) -> str:
    """Return a day of the year."""
    return f"{value:%d %b}"


def name(text: str) -> str:
    """Return a name without what would steer a terminal or turn the text round, and not endless."""
    safe = "".join(map(_visible, text))
    return safe if len(safe) <= _LONGEST_NAME else f"{safe[: _LONGEST_NAME - 1]}…"


def harmless(text: str) -> str:
    """Return a text as it may be shown anywhere: what would steer or turn it round is visible."""
    return "".join(
        char if char == "\n" else " " if char in _BLANKS else _visible(char) for char in text
    )


def harmless_throughout(value: _T) -> _T:
    """Return what is shown with every text in it harmless, whoever has given it."""
    changed: Any = value
    if isinstance(value, str):
        changed = harmless(value)
    elif is_dataclass(value) and not isinstance(value, type):
        shown = cast("Any", value)
        found = {each.name: getattr(shown, each.name) for each in fields(shown) if each.init}
        changed = replace(shown, **{key: harmless_throughout(one) for key, one in found.items()})
    elif isinstance(value, tuple | list):
        listed = [harmless_throughout(one) for one in cast("list[object]", value)]
        changed = listed if isinstance(value, list) else tuple(listed)
    return cast("_T", changed)


def is_unsafe(char: str) -> bool:
    """Return whether a character steers a terminal, turns text round or is not seen at all."""
    return unicodedata.category(char) in _UNSAFE


def begins_formula(char: str) -> bool:
    """Return whether a spreadsheet takes a text for a formula that begins with a character."""
    return unicodedata.normalize("NFKC", char)[:1] in _FORMULA


def _visible(char: str) -> str:
    return "\N{REPLACEMENT CHARACTER}" if is_unsafe(char) else char


def prose(words: str) -> str:
    """Return a sentence on one line, without what would steer a terminal or turn the text round."""
    return " ".join(name(word) for word in words.split())
