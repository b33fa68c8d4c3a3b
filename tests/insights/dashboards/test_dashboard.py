"""The committed dashboards hold nothing that Grafana would ignore, and nothing twice."""

import enum
import functools
import json
import sys
import types
import typing
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, TypeGuard

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard, DataTransformerConfig, Panel

from agent_analytics.insights import GENERATED

#: Transformations that Grafana's own libraries have and this project has tried.
TRANSFORMATIONS = {"joinByField", "merge", "organize"}
PATHS = sorted((GENERATED / "dashboards").glob("*.json"))
every_dashboard = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)

register_default_plugins()


def load(path: Path) -> dict[str, Any]:
    """Return a dashboard as plain objects."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def is_object(value: object) -> TypeGuard[dict[str, object]]:
    """Tell whether a value is a JSON object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[object]]:
    """Tell whether a value is a JSON array."""
    return isinstance(value, list)


def lost(before: object, after: object, path: str = "$") -> Iterator[str]:
    """Yield what a decoding and encoding by the SDK's models lost or changed."""
    if is_object(before):
        for key, value in before.items():
            if is_object(after) and key in after:
                yield from lost(value, after[key], f"{path}.{key}")
            elif value not in (None, [], {}, ""):
                yield f"{path}.{key} is unknown"
    elif is_array(before):
        there = after if is_array(after) else []
        for index, value in enumerate(before):
            yield from lost(value, there[index] if index < len(there) else None, f"{path}[{index}]")
    elif before != after:
        yield f"{path}: {before!r} became {after!r}"


@functools.cache
def annotations(module: str, name: str) -> dict[str, object]:
    """Return the annotations of an SDK model, resolved."""
    names = vars(sys.modules[module])
    return typing.get_type_hints(names[name], dict(names))


def mistyped(value: object, hint: object, path: str) -> list[str]:
    """Return where a decoded value does not fit the annotation of the SDK's model."""
    origin, options = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        same = [
            option for option in options if type(value) is (typing.get_origin(option) or option)
        ]
        found = [mistyped(value, option, path) for option in same or options]
        return [] if [] in found else min(found, key=len)
    if origin is list and is_array(value):
        parts = [(part, options[0], f"{path}[{index}]") for index, part in enumerate(value)]
        return [problem for part in parts for problem in mistyped(*part)]
    if origin is dict and is_object(value):
        parts = [(part, options[1], f"{path}.{key}") for key, part in value.items()]
        return [problem for part in parts for problem in mistyped(*part)]
    if not fits(value, hint, origin, options):
        return [f"{path}: {value!r} is not {hint}"]
    module = type(value).__module__
    return model_problems(value, path) if module.startswith("grafana_foundation_sdk.models") else []


def fits(value: object, hint: object, origin: object, options: tuple[object, ...]) -> bool:
    """Tell whether a value that holds no other values fits an annotation."""
    if origin is typing.Literal:
        return value in options
    if hint is DataTransformerConfig:
        # The SDK leaves transformations as they are.
        return is_object(value) and set(value) == {"id", "options"}
    if hint is float or hint is int:
        numbers = (int, float) if hint is float else (int,)
        return isinstance(value, numbers) and not isinstance(value, bool)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return value in [member.value for member in hint]
    return not isinstance(hint, type) or isinstance(value, hint)


def model_problems(model: object, path: str) -> list[str]:
    """Return where the attributes of a decoded model do not fit their annotations."""
    kind = type(model)
    return [
        problem
        for name, hint in annotations(kind.__module__, kind.__name__).items()
        if hasattr(model, name)
        for problem in mistyped(getattr(model, name), hint, f"{path}.{name}")
    ]


def panel_problems(panel: object, path: str) -> list[str]:
    """Return problems in the parts of a panel whose types depend on its kind."""
    if not isinstance(panel, Panel):
        return [f"{path}: not decoded as a panel"]
    parts: dict[str, object] = {"options": panel.options}
    parts |= {f"targets[{index}]": target for index, target in enumerate(panel.targets or [])}
    if panel.field_config and panel.field_config.defaults.custom is not None:
        parts["custom"] = panel.field_config.defaults.custom
    found: list[str] = []
    for name, part in parts.items():
        if is_object(part):
            found.append(f"{path}.{name}: the SDK does not know panel type {panel.type_val!r}")
        else:
            found += model_problems(part, f"{path}.{name}")
    return found


def problems(document: dict[str, Any]) -> list[str]:
    """Return everything that is wrong with a dashboard."""
    found: list[str] = []
    decoded = Dashboard.from_json(document)
    found += lost(document, json.loads(JSONEncoder().encode(decoded)))
    found += model_problems(decoded, "$")
    for index, panel in enumerate(decoded.panels or []):
        found += panel_problems(panel, f"$.panels[{index}]")
    for panel in document["panels"]:
        found += [
            f"{panel['title']}: unknown transformation {step['id']}"
            for step in panel.get("transformations", [])
            if step["id"] not in TRANSFORMATIONS
        ]
        if not panel.get("description"):
            found.append(f"{panel['title']}: no description")
        if "mode" not in panel["fieldConfig"]["defaults"].get("color", {}):
            found.append(f"{panel['title']}: no colour mode")
    ids = [panel.get("id") for panel in document["panels"]]
    if None in ids or 0 in ids or len(set(ids)) != len(ids):
        found.append(f"panel ids are not unique: {ids}")
    # Only on a dashboard of the right types can places be compared.
    return found or list(layout_problems(document["panels"]))


def layout_problems(panels: list[dict[str, Any]]) -> Iterator[str]:
    """Yield panels that stick out of the grid or lie upon each other."""
    for panel in panels:
        place = panel["gridPos"]
        if place["x"] + place["w"] > 24:
            yield f"{panel['title']} sticks out"
    for one, other in combinations(panels, 2):
        a, b = one["gridPos"], other["gridPos"]
        apart = (
            a["x"] + a["w"] <= b["x"]
            or b["x"] + b["w"] <= a["x"]
            or a["y"] + a["h"] <= b["y"]
            or b["y"] + b["h"] <= a["y"]
        )
        if not apart:
            yield f"{one['title']} overlaps {other['title']}"


@every_dashboard
def test_dashboard_is_valid(path: Path) -> None:
    """The models of Grafana's own SDK know every key and value of the dashboard."""
    assert problems(load(path)) == []


def set_at(document: dict[str, Any], where: str, value: object) -> None:
    """Set a value in a document by a path of keys and indexes."""
    *parents, last = [int(key) if key.isdigit() else key for key in where.split("/")]
    at: Any = document
    for key in parents:
        at = at[key]
    at[last] = value


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("refesh", "5s"),
        ("panels/0/fieldConfig/defaults/uint", "short"),
        ("panels/0/options/colourMode", "value"),
        ("panels/0/options/colorMode", "vlaue"),
        ("panels/0/gridPos/w", "4"),
        ("panels/0/gridPos/w", 5),
        ("panels/7/gridPos/w", 5),
        ("panels/0/id", 2),
        ("panels/0/type", "statt"),
        ("panels/0/description", ""),
        ("panels/0/fieldConfig/defaults/color", {}),
        ("panels/0/targets/0/legendFromat", "x"),
        ("panels/15/fieldConfig/defaults/custom/lineWdith", 1),
        ("panels/14/transformations/0/id", "mergge"),
        ("panels/14/transformations/0/optoins", {}),
    ],
)
def test_validation_finds_a_seeded_defect(where: str, value: object) -> None:
    """The validation itself can fail: each of these defects is found."""
    document = load(GENERATED / "dashboards/publisher.json")
    set_at(document, where, value)
    assert problems(document) != []


@every_dashboard
def test_dashboard_uses_the_provisioned_source(path: Path) -> None:
    """The data source that dashboards choose is the one that is provisioned."""
    provisioned = yaml.safe_load(
        (GENERATED / "provisioning/datasources/prometheus.yml").read_text(encoding="utf-8")
    )
    uids = {source["uid"] for source in provisioned["datasources"]}
    document = load(path)
    (chosen,) = (
        variable["current"]["value"]
        for variable in document["templating"]["list"]
        if variable["name"] == "datasource"
    )
    assert chosen in uids
    assert {panel["datasource"]["uid"] for panel in document["panels"]} == {"${datasource}"}


def test_identities_are_stable() -> None:
    """Links and bookmarks of people hold on to these: a dashboard keeps its identity."""
    assert {path.stem: load(path)["uid"] for path in PATHS} == {
        "agent": "agent-analytics-agent",
        "health": "agent-analytics-health",
        "marketplace": "agent-analytics-marketplace",
        "oncall": "agent-analytics-oncall",
        "publisher": "agent-analytics-publisher",
        "revenue": "agent-analytics-revenue",
    }


@every_dashboard
def test_links_lead_to_dashboards(path: Path) -> None:
    """Each link, at the top or in a cell, leads to a dashboard of the folder or to a runbook."""
    uids = {load(other)["uid"] for other in PATHS}
    document = load(path)
    urls = [link["url"] for link in document["links"]]
    for panel in document["panels"]:
        for override in panel["fieldConfig"]["overrides"]:
            for item in override["properties"]:
                if item["id"] == "links":
                    urls += [link["url"] for link in item["value"]]
    assert urls
    assert all(
        url.startswith("${runbooks}/") or url.split("?")[0].removeprefix("/d/") in uids
        for url in urls
    )


@every_dashboard
def test_links_carry_variables_and_time(path: Path) -> None:
    """Following a link keeps what was chosen at the top, and the time range."""
    assert all(link["includeVars"] and link["keepTime"] for link in load(path)["links"])


@every_dashboard
def test_dashboard_tells_how_fresh_it_is(path: Path) -> None:
    """Every dashboard says how old its figures are."""
    titles = {panel["title"] for panel in load(path)["panels"]}
    assert titles & {"Age of the data", "Last activity"}


@every_dashboard
def test_dashboard_marks_alerts(path: Path) -> None:
    """On every dashboard, graphs are marked where alerts have been firing."""
    assert "Alerts" in {mark["name"] for mark in load(path)["annotations"]["list"]}


@every_dashboard
def test_dashboard_marks_releases(path: Path) -> None:
    """On every dashboard, graphs are marked where another version has become current."""
    assert "Releases" in {mark["name"] for mark in load(path)["annotations"]["list"]}
