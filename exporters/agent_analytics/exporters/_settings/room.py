"""How much one exposition may take: settings of ``configure()`` beside its ``limits``."""

from dataclasses import replace
from typing import Final

from agent_analytics.exporters._settings.settings import UNSET, choose
from agent_analytics.processor import Limits

#: Each setting by its name in ``Limits``, with its variable.
VARIABLES: Final = {
    "max_samples": "AGENT_ANALYTICS_MAX_SAMPLES",
    "max_exposition_bytes": "AGENT_ANALYTICS_MAX_EXPOSITION_BYTES",
    "publisher_share": "AGENT_ANALYTICS_PUBLISHER_SHARE",
}


def limits(
    given: Limits | None = None,
    *,
    max_samples: int | None = None,
    max_exposition_bytes: int | None = None,
    publisher_share: float | None = None,
) -> Limits:
    """Return the limits: an argument, else its variable, else what ``given`` has.

    Raises:
        ValueError: A limit makes no sense; the message names the argument or the variable.
    """
    chosen = given or Limits()
    arguments = {
        "max_samples": max_samples,
        "max_exposition_bytes": max_exposition_bytes,
        "publisher_share": publisher_share,
    }
    for name, argument in arguments.items():
        chosen = limited(chosen, name, argument)
    return chosen


def limited(known: Limits, name: str, argument: float | None = None) -> Limits:
    """Return ``known`` with one setting as its argument has it, else as its variable has it.

    Raises:
        ValueError: The setting makes no sense; the message names the argument or the variable.
    """
    nothing: object = None
    read = UNSET if argument is None else argument
    value, source = choose(read, VARIABLES[name], nothing, _number)
    if value is None:
        return known
    changes: dict[str, object] = {name: value}
    try:
        return replace(known, **changes)  # type: ignore[arg-type]  # what Limits refuses is said
    except ValueError as error:
        wrong = str(error)
        raise ValueError(f"{source}{wrong.removeprefix(name)}" if source else wrong) from None


def _number(value: str, _variable: str) -> object:
    """Read a number; whatever else it is, ``Limits`` refuses."""
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value
