"""Building blocks of the dashboards, over ``grafana-foundation-sdk``.

What Grafana would fill in by default is stated: colour modes, calculations, styles. A dashboard
then looks the same in every version, and in viewers that do not know Grafana's defaults.
"""

from collections.abc import Sequence
from typing import Final

from grafana_foundation_sdk.builders import bargauge, heatmap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models import heatmap as heatmap_models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

Panel = stat.Panel | timeseries.Panel | table.Panel | heatmap.Panel | bargauge.Panel

DATASOURCE: Final = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
#: What a panel shows that has no data, so that "not available" is never taken for 0.
NOTHING: Final = "not available"
#: The same in a cell of a table, where a label that a series does not have looks alike.
EMPTY_CELL: Final = "–"
#: Whole numbers with separators; Grafana's "short" would say "1 K" for 1,489.
COUNT: Final = "locale"
USD: Final = "currencyUSD"
SHARE: Final = "percentunit"
#: A time in milliseconds, shown as how long ago it is.
AGO: Final = "dateTimeFromNow"
DAYS: Final = "d"

#: Steps of a threshold: from which value on (``None`` for the first), in which colour.
Steps = Sequence[tuple[float | None, str]]
NEUTRAL: Final[Steps] = ((None, "blue"),)
PLAIN: Final[Steps] = ((None, "text"),)
#: For a change against the period before, where more is better.
BETTER: Final[Steps] = ((None, "red"), (-0.05, "text"), (0.05, "green"))


def query(expr: str, legend: str = "", *, ref: str = "A", step: str = "") -> prometheus.Dataquery:
    """Return a range query, with ``step`` for the least time between its points."""
    target = prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(ref).range()
    return target.interval(step) if step else target


def traced(expr: str, legend: str = "", *, ref: str = "A") -> prometheus.Dataquery:
    """Return a range query that shows exemplars too: single calls, linked to their traces."""
    return query(expr, legend, ref=ref).exemplar(True)


def instant(
    expr: str, legend: str = "", *, ref: str = "A", rows: bool = False
) -> prometheus.Dataquery:
    """Return an instant query, with ``rows`` for a table with one row a series."""
    target = prometheus.Dataquery().expr(expr).legend_format(legend).ref_id(ref).instant()
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


def undefined() -> dashboard.SpecialValueMap:
    """Return the mapping of NaN: a ratio of nothing to Prometheus, "no traffic" to a human."""
    return dashboard.SpecialValueMap(
        options=dashboard.DashboardSpecialValueMapOptions(
            match=dashboard.SpecialValueMatch.NA_N,
            result=dashboard.ValueMappingResult(text="no traffic", color="text", index=0),
        )
    )


def missing() -> dashboard.SpecialValueMap:
    """Return the mapping of no value at all, which is neither good nor bad."""
    return dashboard.SpecialValueMap(
        options=dashboard.DashboardSpecialValueMapOptions(
            match=dashboard.SpecialValueMatch.NULL,
            result=dashboard.ValueMappingResult(text=NOTHING, color="text", index=1),
        )
    )


def number(
    title: str,
    description: str,
    expr: str,
    *,
    unit: str,
    thresholds: Steps = NEUTRAL,
    decimals: int | None = None,
) -> stat.Panel:
    """Return a panel with one big number.

    Args:
        title: What it is.
        description: The same for somebody who has not read the documentation.
        expr: Its value.
        unit: Grafana's name of its unit.
        thresholds: When it has which colour.
        decimals: How many are shown.
    """
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .with_target(instant(expr))
        .unit(unit)
        .no_value(NOTHING)
        .mappings([undefined(), missing()])
        .thresholds(steps(thresholds))
        .color_scheme(colour(dashboard.FieldColorModeId.THRESHOLDS))
        .color_mode(common.BigValueColorMode.VALUE)
        .graph_mode(common.BigValueGraphMode.NONE)
        .text_mode(common.BigValueTextMode.VALUE)
        .justify_mode(common.BigValueJustifyMode.AUTO)
        .orientation(common.VizOrientation.VERTICAL)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    )
    return panel if decimals is None else panel.decimals(decimals)


def change(title: str, of: str, expr: str) -> stat.Panel:
    """Return a panel with a relative change against the period before, where more is better."""
    return number(
        title,
        f"By how much {of} grew or shrank against the period of the same length before.",
        expr,
        unit=SHARE,
        decimals=1,
        thresholds=BETTER,
    )


def lines(
    title: str,
    description: str,
    targets: Sequence[prometheus.Dataquery],
    *,
    unit: str,
    limit: float | None = None,
    bars: bool = False,
    stacked: bool | None = None,
    lowest: float | None = 0,
    colours: Sequence[tuple[str, str]] = (),
) -> timeseries.Panel:
    """Return a panel of lines over time, or of bars, with a dashed line at a limit.

    Args:
        title: What it is.
        description: The same for somebody who has not read the documentation.
        targets: Range queries.
        unit: Grafana's name of the unit.
        limit: Where the dashed line is.
        bars: Bars instead of lines.
        stacked: Whether they are put upon each other; bars are, unless told.
        lowest: Where the axis begins; None for wherever the data does.
        colours: Fixed colours by the name of a series.
    """
    stacks = bars if stacked is None else stacked
    draw = common.GraphDrawStyle.BARS if bars else common.GraphDrawStyle.LINE
    stacking = common.StackingMode.NORMAL if stacks else common.StackingMode.NONE
    marks: Steps = ((None, "transparent"), (limit, "red")) if limit else ((None, "transparent"),)
    style = common.GraphThresholdsStyleMode.DASHED if limit else common.GraphThresholdsStyleMode.OFF
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .no_value(NOTHING)
        .draw_style(draw)
        .line_width(0 if bars else 2)
        .fill_opacity(70 if bars else 5)
        .show_points(common.VisibilityMode.NEVER)
        .stacking(common_builders.StackingConfig().mode(stacking).group("A"))
        .thresholds(steps(marks))
        .thresholds_style(common_builders.GraphThresholdsStyleConfig().mode(style))
        .color_scheme(colour(dashboard.FieldColorModeId.PALETTE_CLASSIC))
        .legend(
            common_builders.VizLegendOptions()
            .show_legend(True)
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
    if lowest is not None:
        panel = panel.min(lowest)
    for target in targets:
        panel = panel.with_target(target)
    for name, fixed in colours:
        panel = panel.override_by_name(
            name, [property_("color", {"mode": "fixed", "fixedColor": fixed})]
        )
    return panel


def bands(
    title: str, description: str, target: prometheus.Dataquery, *, unit: str
) -> heatmap.Panel:
    """Return a heatmap of a histogram's buckets over time."""
    return (
        heatmap.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .with_target(target.format(PromQueryFormat.HEATMAP))
        .no_value(NOTHING)
        .color_scheme(colour(dashboard.FieldColorModeId.THRESHOLDS))
        .calculate(False)
        .color(heatmap_builder_colour())
        .rows_frame(_rows_frame())
        .y_axis(_seconds_axis(unit))
        .cell_gap(1)
        .show_legend()
        .tooltip(_heatmap_tooltip())
        .exemplars_color("rgba(255,140,0,0.9)")
    )


def heatmap_builder_colour() -> heatmap.HeatmapColorOptions:
    """Return the colours of a heatmap: from pale to dark with the count."""
    return (
        heatmap.HeatmapColorOptions()
        .mode(heatmap_models.HeatmapColorMode.SCHEME)
        .scheme("Blues")
        .scale(heatmap_models.HeatmapColorScale.EXPONENTIAL)
        .exponent(0.5)
        .steps(32)
        .reverse(False)
    )


def _rows_frame() -> heatmap.RowsHeatmapOptions:
    return heatmap.RowsHeatmapOptions().layout(common.HeatmapCellLayout.AUTO)


def _seconds_axis(unit: str) -> heatmap.YAxisConfig:
    return heatmap.YAxisConfig().unit(unit).axis_placement(common.AxisPlacement.LEFT)


def _heatmap_tooltip() -> heatmap.HeatmapTooltip:
    return heatmap.HeatmapTooltip().mode(common.TooltipDisplayMode.SINGLE).y_histogram(False)


def gauges(
    title: str,
    description: str,
    targets: Sequence[prometheus.Dataquery],
    *,
    unit: str,
) -> bargauge.Panel:
    """Return a panel of horizontal bars, one a query or series."""
    panel = (
        bargauge.Panel()
        .title(title)
        .description(description)
        .datasource(DATASOURCE)
        .unit(unit)
        .decimals(0)
        .min(0)
        .no_value(NOTHING)
        .thresholds(steps(NEUTRAL))
        .color_scheme(colour(dashboard.FieldColorModeId.THRESHOLDS))
        .orientation(common.VizOrientation.HORIZONTAL)
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .value_mode(common.BarGaugeValueMode.TEXT)
        .show_unfilled(True)
        .reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    )
    for target in targets:
        panel = panel.with_target(target)
    return panel


def property_(name: str, value: object) -> dashboard.DynamicConfigValue:
    """Return a property of an override."""
    return dashboard.DynamicConfigValue(id_val=name, value=value)
