"""Tables: one row a series, columns by name, links from a row to where it is told in detail."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import prometheus, table
from grafana_foundation_sdk.models import common, dashboard

from agent_analytics.insights._dashboards.parts.panels import (
    DATASOURCE,
    EMPTY_CELL,
    Steps,
    colour,
    property_,
    steps,
    undefined,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    Attributes:
        name: What stands above it.
        unit: Grafana's name of its unit.
        decimals: How many are shown.
        width: In pixels.
        steps: When its text has which colour.
        filled: Colour the cell rather than its text.
        texts: What is shown instead of a text, and its colour or nothing.
        wrap: Break long text into lines.
        link: Where a click leads, and what the link is called.
    """

    name: str
    unit: str = ""
    decimals: int | None = None
    width: int | None = None
    steps: Steps = ()
    filled: bool = False
    texts: tuple[tuple[str, str, str], ...] = ()
    wrap: bool = False
    link: tuple[str, str] = ("", "")


def rows(
    title: str,
    description: str,
    targets: Sequence[prometheus.Dataquery],
    *,
    columns: dict[str, Column],
    hidden: Sequence[str] = (),
    sort: str,
    descending: bool = True,
) -> table.Panel:
    """Return a table that joins its queries by their labels.

    Args:
        title: What the table shows.
        description: The same for somebody who has not read the documentation.
        targets: Instant queries for rows.
        columns: Columns in order, by the name of the label or value they come from.
        hidden: Labels and values that are left out.
        sort: Name of the column by which it is sorted.
        descending: Whether the largest comes first.
    """
    merge = dashboard.DataTransformerConfig(id_val="merge", options={})
    return _table(
        title, description, targets, [merge, _organize(columns, ["Time", *hidden])], columns
    ).sort_by([common_builders.TableSortByFieldState().display_name(sort).desc(descending)])


def weeks(
    title: str,
    description: str,
    targets: Sequence[prometheus.Dataquery],
    *,
    columns: dict[str, Column],
    span: str,
) -> table.Panel:
    """Return a table of range queries over a span of time: one row a point, a column a query."""
    join = dashboard.DataTransformerConfig(
        id_val="joinByField", options={"byField": "Time", "mode": "outer"}
    )
    first = next(iter(columns.values())).name
    made = _table(title, description, targets, [join, _organize(columns, [])], columns)
    return (
        made.time_from(span)
        .hide_time_override(False)
        .sort_by([common_builders.TableSortByFieldState().display_name(first).desc(True)])
    )


def _organize(columns: dict[str, Column], hidden: Sequence[str]) -> dashboard.DataTransformerConfig:
    options = {
        "excludeByName": dict.fromkeys(hidden, True),
        "indexByName": {source: index for index, source in enumerate(columns)},
        "renameByName": {source: column.name for source, column in columns.items()},
    }
    return dashboard.DataTransformerConfig(id_val="organize", options=options)


def _table(
    title: str,
    description: str,
    targets: Sequence[prometheus.Dataquery],
    transformations: Sequence[dashboard.DataTransformerConfig],
    columns: dict[str, Column],
) -> table.Panel:
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .no_value(EMPTY_CELL)
        .show_header(True)
        .cell_height(common.TableCellHeight.SM)
        .color_scheme(colour(dashboard.FieldColorModeId.THRESHOLDS))
        .thresholds(steps(((None, "text"),)))
        .mappings([undefined()])
    )
    for transformation in transformations:
        panel = panel.with_transformation(transformation)
    for target in targets:
        panel = panel.with_target(target)
    for column in columns.values():
        if properties := _properties(column):
            panel = panel.override_by_name(column.name, properties)
    return panel


def _properties(column: Column) -> list[dashboard.DynamicConfigValue]:
    found: list[dashboard.DynamicConfigValue] = []
    if column.unit:
        found.append(property_("unit", column.unit))
    if column.decimals is not None:
        found.append(property_("decimals", column.decimals))
    if column.width is not None:
        found.append(property_("custom.width", column.width))
    if column.steps:
        marks = [{"value": value, "color": name} for value, name in column.steps]
        found.append(property_("thresholds", {"mode": "absolute", "steps": marks}))
    if column.texts:
        options = {
            text: {"text": shown, "index": index} | ({"color": name} if name else {})
            for index, (text, shown, name) in enumerate(column.texts)
        }
        found.append(property_("mappings", [{"type": "value", "options": options}]))
    if column.steps or any(name for *_, name in column.texts):
        filled = {"type": "color-background", "mode": "basic"}
        cell = filled if column.filled else {"type": "color-text"}
        found.append(property_("custom.cellOptions", cell))
    if column.wrap:
        # Grafana 12 reads the first, Grafana 13 the second, and each skips the other.
        found.append(property_("custom.cellOptions", {"type": "auto", "wrapText": True}))
        found.append(property_("custom.wrapText", value=True))
    url, title = column.link
    if url:
        found.append(property_("links", [{"title": title, "url": url, "targetBlank": False}]))
    return found
