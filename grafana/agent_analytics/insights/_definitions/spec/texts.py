"""Texts of alerts: templates that ask Prometheus for further numbers when an alert is up."""

from itertools import pairwise
from typing import Final

from agent_analytics.insights._promql import recorded
from agent_analytics.insights._promql.scopes import Scope, select
from agent_analytics.processor.catalogue import LISTING_LABELS

#: The listing that an alert is about, and its tool, as a scope of a query inside its texts.
THIS: Final = Scope(where=("publisher_id=%[1]q", "agent_id=%[2]q"))
THIS_TOOL: Final = Scope((*LISTING_LABELS, "tool"), (*THIS.where, "tool=%[3]q"))

PERCENT: Final = "humanizePercentage"
DOLLARS: Final = 'printf "%.2f"'
RATING: Final = 'printf "%.2f"'
ONE_PLACE: Final = 'printf "%.1f"'
WHOLE: Final = 'printf "%.0f"'
SHORT: Final = 'printf "%g"'
DURATION: Final = "humanizeDuration"
WHO: Final = "{{ $labels.agent_id }} of {{ $labels.publisher_id }}"


def value(shown: str) -> str:
    """Return the template of the measured number."""
    return f"{{{{ $value | {shown} }}}}"


def asked(expr: str, shown: str, *, after: str = "", otherwise: str = "?") -> str:
    """Return a template that asks for a number of this listing, or of its tool.

    Args:
        expr: PromQL in the scope :data:`THIS` or :data:`THIS_TOOL`.
        shown: How the number is shown.
        after: What follows it, such as a unit.
        otherwise: What stands there when nothing answers.
    """
    tool = " $labels.tool" if "%[3]q" in expr else ""
    return (
        f"{{{{ with printf `{expr}` $labels.publisher_id $labels.agent_id{tool} | query }}}}"
        f"{{{{ . | first | value | {shown} }}}}{after}{{{{ else }}}}{otherwise}{{{{ end }}}}"
    )


def label(expr: str, name: str) -> str:
    """Return a template of a label of what answers about this listing.

    Args:
        expr: PromQL in the scope :data:`THIS`.
        name: Of the label.
    """
    return (
        f"{{{{ with printf `{expr}` $labels.publisher_id $labels.agent_id | query }}}}"
        f'{{{{ . | first | label "{name}" }}}}{{{{ else }}}}?{{{{ end }}}}'
    )


def bound(insight: str, shown: str, *, factor: int = 1, after: str = "", otherwise: str) -> str:
    """Return a template of a bound: the listing's own, or the one that the insight has."""
    own = ", ".join((f'insight="{insight}"', *THIS.where))
    scaled = f"{factor} * " if factor != 1 else ""
    return asked(f"{scaled}{recorded.THRESHOLD}{{{own}}}", shown, after=after, otherwise=otherwise)


_MINUTE: Final = 60
_HOUR: Final = 3_600
_DAY: Final = 86_400


def observed(seconds: int, words: str) -> str:
    """Return a template of a window: its name, or what was observed of it where that is less.

    Args:
        seconds: Length of the window.
        words: Its name, such as ``the last 30 days``.
    """
    age = f"(time() - {select(recorded.COUNTING_SINCE, THIS)})"
    # Each unit from two of it on, as the report has it.
    units = (("seconds", 1, 0), ("minutes", _MINUTE, 2 * _MINUTE), ("hours", _HOUR, 2 * _HOUR),
             ("days", _DAY, 2 * _DAY), ("", 0, seconds))  # fmt: skip
    answers = " or ".join(
        f"label_replace(floor(({age} >= {least} < {min(most, seconds)}) / {size}),"
        f' "unit", "{unit}", "", "")'
        for (unit, size, least), (_, _, most) in pairwise(units)
        if least < seconds
    )
    return (
        f"{{{{ with printf `{answers}` $labels.publisher_id $labels.agent_id"
        " | query }}"
        f'the {{{{ . | first | value | {WHOLE} }}}} {{{{ . | first | label "unit" }}}}'
        f" since counting began{{{{ else }}}}{words}{{{{ end }}}}"
    )
