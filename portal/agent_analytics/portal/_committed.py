"""The committed dashboards: the only expressions that are ever asked."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeVar, cast

from agent_analytics.insights import GENERATED
from agent_analytics.portal._expressions import Chosen, UnknownVariable
from agent_analytics.portal._spans import seconds

_ALL: Final = "$__all"
_MOST_VALUES: Final = 200
_LONGEST_VALUE: Final = 1_000

Key = TypeVar("Key")
Value = TypeVar("Value")


class NotCommitted(LookupError):  # noqa: N818 - reads as what has happened
    """What was asked for is in no committed dashboard."""


@dataclass(frozen=True, slots=True)
class Target:
    """One query of a panel.

    Attributes:
        expr: Its expression, with variables in it.
        instant: Whether it is asked at the end of the range alone.
        least_step: Its shortest step in seconds, 0 where it has none.
        exemplars: Whether its exemplars are shown, too.
        last: Seconds that its panel looks back, whatever range is chosen; 0 for the range.
    """

    expr: str
    instant: bool = False
    least_step: int = 0
    exemplars: bool = False
    last: int = 0


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a dashboard.

    Attributes:
        name: Its name.
        kind: ``query``, ``custom``, ``textbox`` or ``datasource``.
        query: What lists its values, as it is committed.
        several: Whether several values can be chosen.
        pattern: What stands for all of them, or empty.
        options: The committed choices of a custom variable.
    """

    name: str
    kind: str
    query: str = ""
    several: bool = False
    pattern: str = ""
    options: tuple[str, ...] = ()

    def chosen(self, values: tuple[str, ...]) -> Chosen:
        """Return what is put in for some values.

        Raises:
            UnknownVariable: They are not admitted.
        """
        if len(values) > _MOST_VALUES or any(len(value) > _LONGEST_VALUE for value in values):
            message = f"variable {self.name} has too many values, or too long ones"
            raise UnknownVariable(message)
        if len(values) > 1 and not self.several:
            message = f"variable {self.name} has one value at a time"
            raise UnknownVariable(message)
        if self.kind == "custom" and not set(values) <= set(self.options):
            message = f"variable {self.name} is one of {', '.join(self.options)}"
            raise UnknownVariable(message)
        if _ALL in values:
            if not self.pattern:
                message = f"variable {self.name} has no choice of all"
                raise UnknownVariable(message)
            return Chosen((), self.pattern)
        # No value is chosen where there are none: nothing is selected by an empty one.
        return Chosen(values or ("",), admitted=self.kind == "custom" and bool(values))


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A committed dashboard.

    Attributes:
        document: Its JSON, as Grafana is provisioned with it.
        targets: Its queries by the panel's id and the reference.
        annotations: Expressions of its annotations by name.
        variables: Its variables by name, in their order.
    """

    document: Mapping[str, Any]
    targets: Mapping[tuple[int, str], Target]
    annotations: Mapping[str, Target]
    variables: Mapping[str, Variable] = field(default_factory=dict[str, Variable])

    def target(self, panel: int, reference: str) -> Target:
        """Return a query of a panel.

        Raises:
            NotCommitted: There is none.
        """
        return _get(self.targets, (panel, reference), f"target {reference} of panel {panel}")

    def annotation(self, name: str) -> Target:
        """Return the query of an annotation.

        Raises:
            NotCommitted: There is none.
        """
        return _get(self.annotations, name, f"annotation {name}")

    def variable(self, name: str) -> Variable:
        """Return a variable.

        Raises:
            NotCommitted: There is none.
        """
        return _get(self.variables, name, f"variable {name}")

    def chosen(self, given: Mapping[str, tuple[str, ...]]) -> dict[str, Chosen]:
        """Return what is put in for the given values; other variables have none.

        Raises:
            UnknownVariable: A name or a value is not admitted.
        """
        unknown = given.keys() - self.variables.keys()
        if unknown:
            message = f"the dashboard has no variable {min(unknown)}"
            raise UnknownVariable(message)
        return {name: self.variables[name].chosen(values) for name, values in given.items()}


@cache
def dashboards() -> Mapping[str, Dashboard]:
    """Return every committed dashboard by its uid, in the order of their files."""
    read = (
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((GENERATED / "dashboards").glob("*.json"))
    )
    return {document["uid"]: read_dashboard(document) for document in read}


def dashboard(uid: str) -> Dashboard:
    """Return a committed dashboard.

    Raises:
        NotCommitted: There is none of this uid.
    """
    return _get(dashboards(), uid, f"dashboard {uid}")


def read_dashboard(document: Mapping[str, Any]) -> Dashboard:
    """Return a dashboard from its JSON."""
    annotations = document.get("annotations", {}).get("list", [])
    variables = document.get("templating", {}).get("list", [])
    return Dashboard(
        document,
        {
            (panel["id"], target["refId"]): _target(panel, target)
            for panel in _panels(document.get("panels", []))
            for target in panel.get("targets", [])
        },
        {
            each["name"]: Target(each["expr"], least_step=_seconds(each.get("step")))
            for each in annotations
            if each.get("expr")
        },
        {each["name"]: _variable(each) for each in variables},
    )


def _panels(panels: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for panel in panels:
        yield panel
        yield from _panels(panel.get("panels", []))


def _target(panel: Mapping[str, Any], target: Mapping[str, Any]) -> Target:
    return Target(
        target["expr"],
        instant=bool(target.get("instant")),
        least_step=_seconds(target.get("interval") or panel.get("interval")),
        exemplars=bool(target.get("exemplar")),
        last=_seconds(panel.get("timeFrom")),
    )


def _variable(each: Mapping[str, Any]) -> Variable:
    return Variable(
        each["name"],
        each["type"],
        query=str(each.get("query", "")),
        several=bool(each.get("multi")),
        pattern=str(each.get("allValue") or ".*") if each.get("includeAll") else "",
        options=tuple(
            str(option["value"]) for option in cast("list[dict[str, Any]]", each.get("options", []))
        ),
    )


def _seconds(text: str | None) -> int:
    return seconds(text) if text else 0


def _get(known: Mapping[Key, Value], key: Key, what: str) -> Value:
    try:
        return known[key]
    except KeyError:
        message = f"there is no {what}"
        raise NotCommitted(message) from None
