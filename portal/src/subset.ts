/**
 * The subset of Grafana's dashboard JSON that the portal draws.
 *
 * Whatever is outside of it fails: in the page, in words, and in a test over all committed dashboards.
 * Nothing is passed over in silence, since a picture that lacks something looks like one that does not.
 */

/** A rule says what is wrong with a value, or nothing. */
type Rule = (value: unknown) => string;
type Shape = Record<string, Rule>;

const show = (value: unknown): string => JSON.stringify(value)?.slice(0, 80) ?? "undefined";

const any: Rule = () => "";
const text: Rule = (value) => (typeof value === "string" ? "" : `is ${show(value)}, no text`);
const number: Rule = (value) => (typeof value === "number" ? "" : `is ${show(value)}, no number`);
const flag: Rule = (value) => (typeof value === "boolean" ? "" : `is ${show(value)}, neither true nor false`);
const oneOf =
  (...admitted: unknown[]): Rule =>
  (value) =>
    admitted.some((each) => show(each) === show(value)) ? "" : `is ${show(value)}, not one of ${admitted.map(show).join(", ")}`;
const matching =
  (pattern: RegExp): Rule =>
  (value) =>
    typeof value === "string" && pattern.test(value) ? "" : `is ${show(value)}`;
const shaped =
  (shape: Shape): Rule =>
  (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return `is ${show(value)}, no object`;
    for (const [key, each] of Object.entries(value)) {
      const rule = shape[key];
      const wrong = rule === undefined ? "is not known" : rule(each);
      if (wrong) return `: ${key} ${wrong}`;
    }
    return "";
  };
const listOf =
  (rule: Rule): Rule =>
  (value) => {
    if (!Array.isArray(value)) return `is ${show(value)}, no list`;
    for (const each of value) {
      const wrong = rule(each);
      if (wrong) return wrong;
    }
    return "";
  };
const mapOf =
  (rule: Rule): Rule =>
  (value) =>
    typeof value === "object" && value !== null ? listOf(rule)(Object.values(value)) : `is ${show(value)}, no object`;

const duration = matching(/^\d+[smhdw]$/);
const unit = matching(/^(none|short|locale|percentunit|percent|currencyUSD|s|ms|d|bytes|dateTimeFromNow|time:[YMDHhms :.-]+)$/);
/** Names of Grafana's palette, and colours as such. */
const colour = matching(
  /^(transparent|text|(super-light-|light-|semi-dark-|dark-)?(red|orange|yellow|green|blue|purple|gray)|#[0-9a-fA-F]{6}|rgba?\([0-9., ]+\))$/,
);

const link = shaped({ title: text, url: matching(/^(\/d\/[\w-]+|https?:\/\/|\$\{runbooks\}\/)/), targetBlank: flag });
const mapping: Rule = (value) => {
  const kind = (value as { type?: string } | null)?.type;
  const result = { text, color: colour, index: number };
  if (kind === "value") return shaped({ type: any, options: mapOf(shaped(result)) })(value);
  if (kind === "range")
    return shaped({ type: any, options: shaped({ from: any, to: any, result: shaped(result) }) })(value);
  if (kind === "special") return shaped({ type: any, options: shaped({ match: text, result: shaped(result) }) })(value);
  return `has a mapping of type ${show(kind)}`;
};
const thresholds = shaped({
  mode: oneOf("absolute"),
  steps: listOf(shaped({ color: colour, value: (value) => (value === null ? "" : number(value)) })),
});

/** Properties of fields, in defaults and in overrides. */
const FIELD: Shape = {
  unit,
  decimals: number,
  min: number,
  max: number,
  noValue: text,
  displayName: text,
  description: text,
  color: shaped({ mode: oneOf("thresholds", "palette-classic", "fixed"), fixedColor: colour }),
  thresholds,
  mappings: listOf(mapping),
  links: listOf(link),
};

const CUSTOM: Record<string, Shape> = {
  stat: {},
  bargauge: {},
  heatmap: {},
  timeseries: {
    drawStyle: oneOf("line", "bars"),
    fillOpacity: number,
    lineWidth: number,
    showPoints: oneOf("never", "auto"),
    stacking: shaped({ group: text, mode: oneOf("none", "normal") }),
    thresholdsStyle: shaped({ mode: oneOf("off", "line", "dashed") }),
  },
  table: {
    align: oneOf("auto", "left", "right", "center"),
    inspect: oneOf(false),
    width: number,
    wrapText: flag,
    cellOptions: (value) => {
      const kind = (value as { type?: string } | null)?.type;
      if (kind === "auto") return shaped({ type: any, wrapText: flag })(value);
      if (kind === "color-text") return shaped({ type: any, wrapText: flag })(value);
      if (kind === "color-background") return shaped({ type: any, mode: oneOf("basic"), wrapText: flag })(value);
      return `has cells of type ${show(kind)}`;
    },
  },
};

const reduced = shaped({ calcs: oneOf(["lastNotNull"]), values: oneOf(false), fields: oneOf("") });
const legend = shaped({ calcs: oneOf([]), displayMode: oneOf("list"), placement: oneOf("bottom"), showLegend: flag });

const OPTIONS: Record<string, Shape> = {
  stat: {
    colorMode: oneOf("value", "none"),
    graphMode: oneOf("none"),
    justifyMode: oneOf("auto"),
    orientation: oneOf("vertical", "auto"),
    percentChangeColorMode: any,
    reduceOptions: reduced,
    showPercentChange: oneOf(false),
    textMode: oneOf("value"),
    wideLayout: any,
  },
  timeseries: { legend, tooltip: shaped({ mode: oneOf("multi", "single"), sort: oneOf("desc", "asc", "none") }) },
  table: {
    cellHeight: oneOf("sm"),
    footer: shaped({ countRows: oneOf(false), reducer: oneOf([]), show: oneOf(false) }),
    frameIndex: oneOf(0),
    showHeader: oneOf(true),
    showTypeIcons: oneOf(false),
    sortBy: listOf(shaped({ displayName: text, desc: flag })),
  },
  bargauge: {
    displayMode: oneOf("basic"),
    legend,
    maxVizHeight: any,
    minVizHeight: any,
    minVizWidth: any,
    namePlacement: oneOf("auto", "left"),
    orientation: oneOf("horizontal"),
    reduceOptions: reduced,
    showUnfilled: flag,
    sizing: oneOf("auto"),
    valueMode: oneOf("text"),
  },
  heatmap: {
    calculate: oneOf(false),
    cellGap: number,
    color: shaped({
      mode: oneOf("scheme"),
      scheme: oneOf("Blues"),
      scale: oneOf("exponential"),
      exponent: number,
      fill: any,
      reverse: oneOf(false),
      steps: number,
    }),
    exemplars: any,
    filterValues: shaped({ le: number }),
    legend: any,
    rowsFrame: shaped({ layout: oneOf("auto") }),
    selectionMode: any,
    showValue: oneOf("auto", "never"),
    tooltip: any,
    yAxis: shaped({ axisPlacement: oneOf("left"), unit }),
  },
};

const TRANSFORMATIONS: Shape = {
  merge: shaped({}),
  organize: shaped({
    excludeByName: mapOf(flag),
    indexByName: mapOf(number),
    renameByName: mapOf(text),
    includeByName: mapOf(flag),
  }),
  joinByField: shaped({ byField: text, mode: oneOf("outer") }),
};

const DATASOURCE = shaped({ type: oneOf("prometheus"), uid: oneOf("${datasource}") });

const TARGET: Shape = {
  refId: text,
  expr: text,
  instant: flag,
  range: flag,
  exemplar: flag,
  format: oneOf("table", "heatmap", "time_series"),
  interval: duration,
  legendFormat: text,
  hide: flag,
  datasource: DATASOURCE,
};

const PANEL: Shape = {
  id: number,
  type: any,
  title: text,
  description: text,
  datasource: DATASOURCE,
  gridPos: shaped({ x: number, y: number, w: number, h: number }),
  targets: listOf(shaped(TARGET)),
  transformations: any,
  fieldConfig: any,
  options: any,
  repeatDirection: any,
  transparent: oneOf(false),
  timeFrom: duration,
  hideTimeOverride: flag,
};

const VARIABLE: Shape = {
  name: matching(/^\w+$/),
  label: text,
  type: oneOf("query", "custom", "textbox", "datasource"),
  query: text,
  current: any,
  options: listOf(shaped({ selected: flag, text, value: text })),
  multi: flag,
  includeAll: flag,
  allValue: oneOf(".*"),
  allowCustomValue: any,
  auto: oneOf(false),
  auto_count: any,
  auto_min: any,
  datasource: DATASOURCE,
  refresh: oneOf(1, 2),
  skipUrlSync: oneOf(false),
  sort: oneOf(0, 1),
  hide: oneOf(0, 2),
};

const ANNOTATION: Shape = {
  builtIn: oneOf(0),
  datasource: DATASOURCE,
  enable: flag,
  expr: text,
  hide: oneOf(false),
  iconColor: colour,
  name: text,
  placement: any,
  step: duration,
  tagKeys: any,
  target: any,
  textFormat: text,
  titleFormat: text,
};

const LINK: Shape = {
  asDropdown: oneOf(false),
  icon: any,
  includeVars: flag,
  keepTime: flag,
  placement: any,
  tags: any,
  targetBlank: oneOf(false),
  title: text,
  tooltip: text,
  type: oneOf("link"),
  url: matching(/^\/d\/[\w-]+$/),
};

const DASHBOARD: Shape = {
  annotations: shaped({ list: listOf(shaped(ANNOTATION)) }),
  description: text,
  editable: any,
  fiscalYearStartMonth: oneOf(0),
  graphTooltip: oneOf(0, 1),
  links: listOf(shaped(LINK)),
  panels: any,
  refresh: matching(/^\d+[smh]$/),
  schemaVersion: oneOf(42),
  tags: any,
  templating: shaped({ list: listOf(shaped(VARIABLE)) }),
  time: shaped({ from: matching(/^now-\d+[smhdw]$/), to: oneOf("now") }),
  timezone: oneOf("utc"),
  title: text,
  uid: matching(/^[\w-]+$/),
};

/** What of a panel is outside of the subset, in words. */
export function unsupportedInPanel(panel: Record<string, unknown>): string[] {
  const kind = String(panel["type"]);
  if (kind === "row") {
    const row = shaped({ ...PANEL, collapsed: flag, panels: any })(panel);
    const inside = (panel["panels"] as Record<string, unknown>[] | undefined) ?? [];
    return [...(row ? [`row ${row}`] : []), ...inside.flatMap(unsupportedInPanel)];
  }
  const options = OPTIONS[kind];
  if (options === undefined) return [`panels of type ${show(kind)} are not drawn`];
  const found: string[] = [];
  const note = (where: string, wrong: string) => wrong && found.push(`${where} ${wrong}`);
  note("panel", shaped(PANEL)(panel));
  note("options", shaped(options)(panel["options"] ?? {}));
  const own = { ...FIELD, custom: shaped(CUSTOM[kind] ?? {}) };
  const config = (panel["fieldConfig"] ?? {}) as { defaults?: unknown; overrides?: unknown };
  note("fieldConfig.defaults", shaped(own)(config.defaults ?? {}));
  for (const override of (config.overrides ?? []) as {
    matcher: { id: string; options: unknown };
    properties: { id: string; value: unknown }[];
  }[]) {
    note("override", oneOf("byName")(override.matcher.id));
    for (const property of override.properties) {
      const rule = property.id.startsWith("custom.")
        ? CUSTOM[kind]?.[property.id.slice("custom.".length)]
        : FIELD[property.id];
      note(`override of ${property.id}`, rule === undefined ? "is not known" : rule(property.value));
    }
  }
  for (const each of (panel["transformations"] ?? []) as { id: string; options: unknown }[]) {
    const rule = TRANSFORMATIONS[each.id];
    note(`transformation ${each.id}`, rule === undefined ? "is not known" : rule(each.options));
  }
  return found;
}

/** What of a dashboard itself is outside of the subset, in words; its panels speak for themselves. */
export function unsupportedInDashboard(document: Record<string, unknown>): string[] {
  const wrong = shaped(DASHBOARD)(document);
  return wrong ? [`dashboard ${wrong}`] : [];
}

/** All that is outside of the subset. */
export function unsupported(document: Record<string, unknown>): string[] {
  const panels = (document["panels"] ?? []) as Record<string, unknown>[];
  return [
    ...unsupportedInDashboard(document),
    ...panels.flatMap((panel) => unsupportedInPanel(panel).map((each) => `${show(panel["title"])}: ${each}`)),
  ];
}
