"""What the dashboards have in common: variables, links, annotations, and how panels are placed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from agent_analytics.insights._dashboards.parts.panels import DATASOURCE, Panel
from agent_analytics.insights._prometheus.provisioning import DATASOURCE_UID, TRACES_UID
from agent_analytics.insights._promql import scopes
from agent_analytics.insights._promql.releases import became_current
from agent_analytics.insights._promql.scopes import Scope
from agent_analytics.processor import catalogue

Variable = (
    builders.QueryVariable
    | builders.CustomVariable
    | builders.TextBoxVariable
    | builders.DatasourceVariable
)
_WIDTH: Final = 24

#: Identities of the dashboards, which links and bookmarks hold on to.
PUBLISHER: Final = "agent-analytics-publisher"
AGENT: Final = "agent-analytics-agent"
REVENUE: Final = "agent-analytics-revenue"
MARKETPLACE: Final = "agent-analytics-marketplace"
ONCALL: Final = "agent-analytics-oncall"
HEALTH: Final = "agent-analytics-health"

#: What a publisher may open, and what the marketplace's own people may.
OF_PUBLISHERS: Final = {
    PUBLISHER: "Overview",
    AGENT: "One agent",
    REVENUE: "Revenue and adoption",
}
OF_OPERATORS: Final = {
    MARKETPLACE: "Marketplace",
    ONCALL: "On-call",
    HEALTH: "Health of agent-analytics",
    PUBLISHER: "A publisher",
}

#: Lengths of a period by the value of its variable, which is a day less; see ``_chosen.Chosen``.
PERIODS: Final = {"0d": "1 day", "6d": "7 days", "29d": "30 days", "89d": "90 days"}
DEFAULT_PERIOD: Final = "29d"


@dataclass(frozen=True, slots=True)
class Row:
    """Panels beside each other.

    Attributes:
        height: In units of Grafana's grid.
        panels: From left to right.
        widths: Of each panel, together 24; all alike if empty.
    """

    height: int
    panels: Sequence[Panel]
    widths: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A dashboard.

    Attributes:
        uid: Its identity.
        title: Its name.
        description: What it answers.
        rows: Its panels.
        variables: What is chosen at the top, besides the data source.
        annotations: What is marked on the graphs.
        links: Titles of the dashboards that are linked to, by identity.
        since: Begin of the time that graphs show, such as ``now-30d``.
        refresh: How often it is drawn anew.
    """

    uid: str
    title: str
    description: str
    rows: Sequence[Row]
    variables: Sequence[
        builders.QueryVariable
        | builders.CustomVariable
        | builders.TextBoxVariable
        | builders.DatasourceVariable
    ] = ()
    annotations: Sequence[builders.AnnotationQuery] = ()
    links: dict[str, str]
    since: str
    refresh: str

    def json(self) -> str:
        """Return it as JSON text that ends in a newline."""
        made = (
            builders.Dashboard(self.title)
            .uid(self.uid)
            .description(self.description)
            .tags(["agent-analytics"])
            # Days and weeks are those of UTC, in which the roll-ups are kept.
            .timezone("utc")
            .time(self.since, "now")
            .refresh(self.refresh)
            .editable()
            .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
            .with_variable(
                builders.DatasourceVariable("datasource")
                .label("Data source")
                .type("prometheus")
                .current(dashboard.VariableOption(text="agent-analytics", value=DATASOURCE_UID))
            )
        )
        for variable in self.variables:
            made = made.with_variable(variable)
        for annotation in self.annotations:
            made = made.annotation(annotation)
        for uid, title in self.links.items():
            if uid != self.uid:
                made = made.link(_link(uid, title))
        number = top = 0
        for row in self.rows:
            left = 0
            widths = row.widths or [_WIDTH // len(row.panels)] * len(row.panels)
            for panel, width in zip(row.panels, widths, strict=True):
                number += 1
                place = dashboard.GridPos(h=row.height, w=width, x=left, y=top)
                made = made.with_panel(panel.id(number).grid_pos(place))
                left += width
            top += row.height
        return JSONEncoder(sort_keys=True, indent=2).encode(made.build()) + "\n"


def _link(uid: str, title: str) -> builders.DashboardLink:
    return (
        builders.DashboardLink(title)
        .type(dashboard.DashboardLinkType.LINK)
        .icon("dashboard")
        .tooltip(f"Open {title}")
        .url(f"/d/{uid}")
        .as_dropdown(False)
        .target_blank(False)
        .include_vars(True)
        .keep_time(True)
    )


# --- variables -----------------------------------------------------------------------------------


def choice(name: str, label: str, where: str = "", *, many: bool) -> builders.QueryVariable:
    """Return a variable whose values are those of the label ``{name}_id``.

    Args:
        name: Its name.
        label: How it is called at the top.
        where: Matcher of the listings whose values are offered.
        many: Whether several, or all, can be chosen at once.
    """
    listings = f"{catalogue.INVOCATIONS.name}{{{where}}}" if where else catalogue.INVOCATIONS.name
    made = (
        builders.QueryVariable(name)
        .label(label)
        .datasource(DATASOURCE)
        .query(f"label_values({listings}, {name}_id)")
        .multi(many)
        .include_all(many)
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
    )
    if not many:
        return made
    return made.all_value(".*").current(dashboard.VariableOption(text=["All"], value=["$__all"]))


def period() -> builders.CustomVariable:
    """Return the variable that chooses the length of a period."""
    return (
        builders.CustomVariable("period")
        .label("Period")
        .values(", ".join(f"{text} : {value}" for value, text in PERIODS.items()))
        .multi(False)
        .include_all(False)
        .options(
            [
                dashboard.VariableOption(text=text, value=value, selected=value == DEFAULT_PERIOD)
                for value, text in PERIODS.items()
            ]
        )
        .current(
            dashboard.VariableOption(
                text=PERIODS[DEFAULT_PERIOD], value=DEFAULT_PERIOD, selected=True
            )
        )
    )


def traces() -> builders.DatasourceVariable:
    """Return the variable that chooses where traces are, for links to them."""
    return (
        builders.DatasourceVariable("traces")
        .label("Traces")
        .type("tempo")
        .current(dashboard.VariableOption(text="agent-analytics traces", value=TRACES_UID))
    )


# --- annotations ---------------------------------------------------------------------------------


def alerts(scope: Scope, audience: str) -> builders.AnnotationQuery:
    """Return marks where alerts for an audience have been firing."""
    firing = scopes.select("ALERTS", scope, 'alertstate="firing"', f'audience="{audience}"')
    return _annotation(
        "Alerts",
        firing,
        "red",
        title="{{alertname}}",
        text="{{publisher_id}} / {{agent_id}} {{tool}}",
    )


def releases(scope: Scope) -> builders.AnnotationQuery:
    """Return marks where another version of an agent has become the current one."""
    return _annotation(
        "Releases",
        became_current("5m", scope),
        "purple",
        title="{{agent_id}} {{version}}",
        text="Most calls of {{agent_id}} of {{publisher_id}} are of {{version}} from here on.",
    )


def _annotation(
    name: str, expr: str, colour: str, *, title: str, text: str
) -> builders.AnnotationQuery:
    return (
        builders.AnnotationQuery()
        .name(name)
        .datasource(DATASOURCE)
        .enable(True)
        .hide(False)
        .icon_color(colour)
        .target(prometheus.Dataquery().expr(expr).ref_id("Anno").range())
        .expr(expr)
        .step("5m")
        .title_format(title)
        .text_format(text)
        .tag_keys("severity")
    )
