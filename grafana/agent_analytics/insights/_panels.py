"""Building blocks of the dashboards, over ``grafana-foundation-sdk``.

What Grafana would fill in by default is stated: panel ids, colour modes, calculations. A dashboard
then looks the same in every version, and in viewers that do not know Grafana's defaults.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATASOURCE: Final = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
#: What a panel shows that has no data, so that "not available" is never taken for 0.
NOTHING: Final = "not available"
#: The same in a cell of a table, where a label that a series does not have looks alike.
EMPTY_CELL: Final = "–"
#: Whole numbers with separators; Grafana's "short" would say "1 K" for 1,489.
COUNT: Final = "locale"

#: Steps of a threshold: from which value on (``None`` for the first), in which colour.
Steps = Sequence[tuple[float | None, str]]
NEUTRAL: Final[Steps] = ((None, "blue"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a panel stands on Grafana's grid, which is 24 wide, and its id."""

    id: int
    x: int
    y: int
    w: int
    h: int

    @property
    def grid(self) -> dashboard.GridPos:
        """The place as Grafana's model of it."""
        return dashboard.GridPos(h=self.h, w=self.w, x=self.x, y=self.y)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table: its name, unit and width, and how its cells are drawn."""

    name: str
    unit: str = ""
    decimals: int | None = None
    width: int | None = None
    steps: Steps = ()
    colours: tuple[tuple[str, str], ...] = ()
    wrap: bool = False


def query(expr: str, legend: str = "", *, ref: str = "A") -> prometheus.Dataquery:
    """Return a range query."""
    return prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(ref).range()


def instant(expr: str, *, ref: str = "A", rows: bool = False) -> prometheus.Dataquery:
    """Return an instant query, with ``rows`` for a table with one row a series."""
    target = prometheus.Dataquery().expr(expr).legend_format("").ref_id(ref).instant()
    return target.format(PromQueryFormat.TABLE) if rows else target


def steps(values: Steps) -> builders.ThresholdsConfig:
    """Return absolute thresholds."""
    return (
        builders.ThresholdsConfig()
        .mode(dashboard.ThresholdsMode.ABSOLUTE)
        .steps([dashboard.Threshold(value=value, color=colour) for value, colour in values])
    )


def colour(mode: dashboard.FieldColorModeId) -> builders.FieldColor:
    """Return a colour mode."""
    return builders.FieldColor().mode(mode)


def _undefined() -> dashboard.SpecialValueMap:
    # A ratio of nothing is NaN to Prometheus, and "no traffic" to a human.
    return dashboard.SpecialValueMap(
        options=dashboard.DashboardSpecialValueMapOptions(
            match=dashboard.SpecialValueMatch.NA_N,
            result=dashboard.ValueMappingResult(text="no traffic", color="text", index=0),
        )
    )


def number(
    title: str,
    description: str,
    expr: str,
    place: Place,
    *,
    unit: str,
    thresholds: Steps = NEUTRAL,
    decimals: int | None = None,
) -> stat.Panel:
    """Return a panel with one big number for the whole time range."""
    panel = (
        stat.Panel()
        .id(place.id)
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .grid_pos(place.grid)
        .with_target(instant(expr))
        .unit(unit)
        .no_value(NOTHING)
        .mappings([_undefined()])
        .thresholds(steps(thresholds))
        .color_scheme(colour(dashboard.FieldColorModeId.THRESHOLDS))
        .color_mode(common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .text_mode(common.BigValueTextMode.VALUE)
        .justify_mode(common.BigValueJustifyMode.AUTO)
        .orientation(common.VizOrientation.AUTO)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False))  # noqa: FBT003
    )
    return panel if decimals is None else panel.decimals(decimals)


def lines(
    title: str,
    description: str,
    targets: Sequence[prometheus.Dataquery],
    place: Place,
    *,
    unit: str,
    limit: float | None = None,
    bars: bool = False,
    colours: Sequence[tuple[str, str]] = (),
) -> timeseries.Panel:
    """Return a panel of lines over time, or of stacked bars, with a dashed line at a limit."""
    draw = common.GraphDrawStyle.BARS if bars else common.GraphDrawStyle.LINE
    stacking = common.StackingMode.NORMAL if bars else common.StackingMode.NONE
    marks: Steps = ((None, "transparent"), (limit, "red")) if limit else ((None, "transparent"),)
    style = common.GraphThresholdsStyleMode.DASHED if limit else common.GraphThresholdsStyleMode.OFF
    panel = (
        timeseries.Panel()
        .id(place.id)
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .grid_pos(place.grid)
        .unit(unit)
        .min(0)
        .no_value(NOTHING)
        .draw_style(draw)
        .line_width(2)
        .fill_opacity(60 if bars else 5)
        .show_points(common.VisibilityMode.NEVER)
        .stacking(common_builders.StackingConfig().mode(stacking).group("A"))
        .thresholds(steps(marks))
        .thresholds_style(common_builders.GraphThresholdsStyleConfig().mode(style))
        .color_scheme(colour(dashboard.FieldColorModeId.PALETTE_CLASSIC))
        .legend(
            common_builders.VizLegendOptions()
            .show_legend(True)  # noqa: FBT003 - the SDK's signature
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .calcs([])
        )
        .tooltip(
            common_builders.VizTooltipOptions()
            .mode(common.TooltipDisplayMode.MULTI)
            .sort(common.SortOrder.DESCENDING)
        )
    )
    for target in targets:
        panel = panel.with_target(target)
    for name, fixed in colours:
        panel = panel.override_by_name(name, [_property("color", _fixed(fixed))])
    return panel


def rows(
    title: str,
    description: str,
    targets: Sequence[prometheus.Dataquery],
    place: Place,
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
        place: Where it stands.
        columns: Columns in order, by the name of the label or value they come from.
        hidden: Labels and values that are left out.
        sort: Name of the column by which it is sorted.
        descending: Whether the largest comes first.
    """
    organize = {
        "excludeByName": dict.fromkeys(["Time", *hidden], True),
        "indexByName": {source: index for index, source in enumerate(columns)},
        "renameByName": {source: column.name for source, column in columns.items()},
    }
    panel = (
        table.Panel()
        .id(place.id)
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .grid_pos(place.grid)
        .no_value(EMPTY_CELL)
        .show_header(True)  # noqa: FBT003 - the SDK's signature
        .cell_height(common.TableCellHeight.SM)
        .color_scheme(colour(dashboard.FieldColorModeId.THRESHOLDS))
        .thresholds(steps(((None, "text"),)))
        .mappings([_undefined()])
        .with_transformation(dashboard.DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(dashboard.DataTransformerConfig(id_val="organize", options=organize))
        .sort_by([common_builders.TableSortByFieldState().display_name(sort).desc(descending)])
    )
    for target in targets:
        panel = panel.with_target(target)
    for column in columns.values():
        if properties := _properties(column):
            panel = panel.override_by_name(column.name, properties)
    return panel


def _properties(column: Column) -> list[dashboard.DynamicConfigValue]:
    found: list[dashboard.DynamicConfigValue] = []
    if column.unit:
        found.append(_property("unit", column.unit))
    if column.decimals is not None:
        found.append(_property("decimals", column.decimals))
    if column.width is not None:
        found.append(_property("custom.width", column.width))
    if column.steps:
        marks = [{"value": value, "color": name} for value, name in column.steps]
        found.append(_property("thresholds", {"mode": "absolute", "steps": marks}))
    if column.colours:
        options = {
            text: {"text": text, "color": name, "index": index}
            for index, (text, name) in enumerate(column.colours)
        }
        found.append(_property("mappings", [{"type": "value", "options": options}]))
    if column.steps or column.colours:
        found.append(_property("custom.cellOptions", {"type": "color-text"}))
    if column.wrap:
        # Grafana 12 reads the first, Grafana 13 the second, and each skips the other.
        found.append(_property("custom.cellOptions", {"type": "auto", "wrapText": True}))
        found.append(_property("custom.wrapText", value=True))
    return found


def _property(name: str, value: object) -> dashboard.DynamicConfigValue:
    return dashboard.DynamicConfigValue(id_val=name, value=value)


def _fixed(name: str) -> dict[str, str]:
    return {"mode": "fixed", "fixedColor": name}
