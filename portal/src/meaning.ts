/**
 * What numbers mean: units, thresholds, mappings, overrides and transformations of `@grafana/data`.
 *
 * The app of Grafana fills two registries that are empty in the package; without that, overrides are
 * ignored in silence.
 */

import {
  FieldConfigOptionsRegistry,
  FieldType,
  applyFieldOverrides,
  booleanOverrideProcessor,
  cacheFieldDisplayNames,
  createTheme,
  displayNameOverrideProcessor,
  getDisplayProcessor,
  getFieldDisplayName,
  dataLinksOverrideProcessor,
  formattedValueToString,
  identityOverrideProcessor,
  numberOverrideProcessor,
  reduceField,
  standardFieldConfigEditorRegistry,
  standardTransformers,
  standardTransformersRegistry,
  stringOverrideProcessor,
  thresholdsOverrideProcessor,
  toDataFrame,
  transformDataFrame,
  unitOverrideProcessor,
  valueMappingsOverrideProcessor,
  type DataFrame,
  type DisplayValue,
  type Field,
  type GrafanaTheme2,
} from "@grafana/data";
import type { Answer, Labels } from "./api.ts";
import type { FieldConfig, Panel, Target } from "./model.ts";

export type { DataFrame, DisplayValue, Field, GrafanaTheme2 };
export { FieldType };

const PROCESSORS: Record<string, unknown> = {
  unit: unitOverrideProcessor,
  min: numberOverrideProcessor,
  max: numberOverrideProcessor,
  decimals: numberOverrideProcessor,
  noValue: stringOverrideProcessor,
  displayName: displayNameOverrideProcessor,
  description: stringOverrideProcessor,
  color: identityOverrideProcessor,
  thresholds: thresholdsOverrideProcessor,
  mappings: valueMappingsOverrideProcessor,
  links: dataLinksOverrideProcessor,
  filterable: booleanOverrideProcessor,
};

const property = (id: string, isCustom: boolean, process: unknown) => ({
  id: isCustom ? `custom.${id}` : id,
  path: id,
  name: id,
  isCustom,
  process,
  override: () => null,
  editor: () => null,
  shouldApply: () => true,
  settings: {},
});
const standard = () => Object.entries(PROCESSORS).map(([id, process]) => property(id, false, process));

const { mergeTransformer, organizeFieldsTransformer, joinByFieldTransformer } = standardTransformers;
/** Organizing is made of three others, which are looked up by their names. */
const TRANSFORMERS = [
  mergeTransformer,
  organizeFieldsTransformer,
  joinByFieldTransformer,
  standardTransformers.orderFieldsTransformer,
  standardTransformers.filterFieldsByNameTransformer,
  standardTransformers.filterFieldsTransformer,
  standardTransformers.renameFieldsTransformer,
  standardTransformers.noopTransformer,
];

standardFieldConfigEditorRegistry.setInit(() => standard() as never);
standardTransformersRegistry.setInit(
  () =>
    [...new Map(TRANSFORMERS.map((each) => [each.id, each])).values()].map((each) => ({
      id: each.id,
      name: each.name,
      transformation: () => Promise.resolve(each),
      editor: () => null,
      imageDark: "",
      imageLight: "",
    })) as never,
);

/** Okabe and Ito's colours, which colour-blind people tell apart, in the order of series. */
const SERIES = {
  dark: ["#56B4E9", "#E69F00", "#2CC597", "#CC79A7", "#F0E442", "#4C9BE8", "#E8743B", "#C7C7C7"],
  light: ["#0072B2", "#B36200", "#00795A", "#A34A7D", "#7A6F00", "#3565B5", "#B8420F", "#555555"],
};

export type Mode = "dark" | "light";

export function themeOf(mode: Mode): GrafanaTheme2 {
  const theme = createTheme({ colors: { mode } });
  theme.visualization.palette.splice(0, theme.visualization.palette.length, ...SERIES[mode]);
  return theme;
}

/** Colours of what surrounds data; the page's own, so that charts and page are of one piece. */
export interface Ink {
  text: string;
  line: string;
  panel: string;
  canvas: string;
  single: string;
}

const INK: Record<Mode, Ink> = {
  dark: { text: "#a6a8b3", line: "#2a2c33", panel: "#181b1f", canvas: "#111217", single: "#ff9830" },
  light: { text: "#565b66", line: "#e4e6eb", panel: "#ffffff", canvas: "#f4f5f5", single: "#b35c00" },
};

export function inkOf(theme: GrafanaTheme2): Ink {
  return INK[theme.isDark ? "dark" : "light"];
}

const numeric = (text: string): number =>
  text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text);

/** What a series is called: by its target's legend, else by its labels. */
export function legendOf(target: Target, labels: Labels): string {
  if (target.legendFormat && target.legendFormat !== "__auto")
    return target.legendFormat.replace(/\{\{\s*([^}\s]+)\s*\}\}/g, (_all, label: string) => labels[label] ?? "");
  const { __name__: name = "", ...rest } = labels;
  const named = Object.entries(rest).map(([label, value]) => `${label}="${value}"`);
  return named.length > 0 ? `${name}{${named.join(", ")}}` : name || target.expr;
}

/** Frames of an answer, as Grafana's Prometheus data source makes them. */
export function framesOf(target: Target, answer: Answer, several: boolean): DataFrame[] {
  if (target.instant && target.format === "table") return tableOf(target, answer, several);
  if (target.format === "heatmap") return bucketsOf(target, answer);
  if (target.instant)
    return answer.result.map((series) =>
      frame(target, [(series.value?.[0] ?? 0) * 1000], [numeric(series.value?.[1] ?? "NaN")], series.metric, answer.step),
    );
  const times = timesOf(answer);
  return answer.result.map((series) => frame(target, times, onto(times, series.values ?? []), series.metric, answer.step));
}

function frame(target: Target, times: number[], values: (number | null)[], labels: Labels, step: number): DataFrame {
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: "Time", type: FieldType.time, values: times, config: { interval: step * 1000 } },
      { name: "Value", type: FieldType.number, values, labels, config: { displayNameFromDS: legendOf(target, labels) } },
    ],
  });
}

function tableOf(target: Target, answer: Answer, several: boolean): DataFrame[] {
  if (answer.result.length === 0) return [];
  const names = [...new Set(answer.result.flatMap((series) => Object.keys(series.metric)))].sort();
  return [
    toDataFrame({
      refId: target.refId,
      fields: [
        { name: "Time", type: FieldType.time, values: answer.result.map((each) => (each.value?.[0] ?? 0) * 1000), config: {} },
        ...names.map((name) => ({
          name,
          type: FieldType.string,
          values: answer.result.map((each) => each.metric[name] ?? ""),
          config: {},
        })),
        {
          name: several ? `Value #${target.refId}` : "Value",
          type: FieldType.number,
          values: answer.result.map((each) => numeric(each.value?.[1] ?? "NaN")),
          config: {},
        },
      ],
    }),
  ];
}

/** Counts of each bucket: what Prometheus has of each includes those below it. */
function bucketsOf(target: Target, answer: Answer): DataFrame[] {
  if (answer.result.length === 0) return [];
  const sorted = [...answer.result].sort((one, other) => numeric(one.metric["le"] ?? "") - numeric(other.metric["le"] ?? ""));
  const times = timesOf(answer);
  const columns = sorted.map((series) => onto(times, series.values ?? []));
  return [
    toDataFrame({
      refId: target.refId,
      fields: [
        { name: "Time", type: FieldType.time, values: times, config: { interval: answer.step * 1000 } },
        ...sorted.map((series, index) => ({
          name: series.metric["le"] ?? "",
          type: FieldType.number,
          labels: series.metric,
          values: (columns[index] ?? []).map((value, at) =>
            value === null ? null : Math.max(0, value - (index > 0 ? (columns[index - 1]?.[at] ?? 0) : 0)),
          ),
          config: {},
        })),
      ],
    }),
  ];
}

function timesOf(answer: Answer): number[] {
  const times: number[] = [];
  for (let at = answer.start; at <= answer.end; at += answer.step) times.push(at * 1000);
  return times;
}

function onto(times: number[], values: [number, string][]): (number | null)[] {
  const known = new Map(values.map(([at, value]) => [Math.round(at * 1000), numeric(value)]));
  return times.map((at) => known.get(at) ?? null);
}

/** Applies a panel's transformations, then what its fields are configured to mean. */
export async function meant(panel: Panel, frames: DataFrame[], theme: GrafanaTheme2): Promise<DataFrame[]> {
  const steps = panel.transformations ?? [];
  const made =
    steps.length > 0 && frames.length > 0
      ? await new Promise<DataFrame[]>((resolve, reject) => {
          transformDataFrame(steps as never, frames, { interpolate: (text: string) => text }).subscribe({
            next: resolve,
            error: reject,
          });
        })
      : frames;
  const config = panel.fieldConfig ?? { defaults: {}, overrides: [] };
  const found = applyFieldOverrides({
    data: made,
    // Links are put together by `links.ts`.
    fieldConfig: withoutLinks(config) as never,
    replaceVariables: (text: string) => text,
    theme,
    timeZone: "utc",
    fieldConfigRegistry: registry(config),
  });
  cacheFieldDisplayNames(found);
  return found;
}

function withoutLinks(config: FieldConfig): FieldConfig {
  const overrides = config.overrides.map((each) => ({
    ...each,
    properties: each.properties.filter(({ id }) => id !== "links"),
  }));
  return { ...config, overrides };
}

function registry(config: FieldConfig): FieldConfigOptionsRegistry {
  const custom = new Set(Object.keys(config.defaults.custom ?? {}));
  for (const override of config.overrides)
    for (const { id } of override.properties) if (id.startsWith("custom.")) custom.add(id.slice("custom.".length));
  const own = [...custom].map((id) => property(id, true, identityOverrideProcessor));
  return new FieldConfigOptionsRegistry(() => [...standard(), ...own] as never);
}

export function nameOf(field: Field, of: DataFrame, all: DataFrame[]): string {
  return getFieldDisplayName(field, of, all);
}

/** How a value is written, and in which colour. */
export function shown(field: Field, value: unknown): { text: string; color: string } {
  const display = field.display?.(value);
  if (!display) return { text: String(value ?? ""), color: "" };
  return { text: formattedValueToString(display), color: display.color ?? "" };
}

/** The last value that there is. */
export function last(field: Field): unknown {
  return reduceField({ field, reducers: ["lastNotNull"] })["lastNotNull"];
}

/** How values of a unit are written where no field is. */
export function writer(unit: string, theme: GrafanaTheme2): (value: number) => string {
  const process = getDisplayProcessor({ field: { type: FieldType.number, config: { unit } }, theme, timeZone: "utc" });
  return (value) => formattedValueToString(process(value));
}

/** What is shown where a value of a panel is not there, in the colour of its thresholds' base. */
export function nothing(panel: Panel, theme: GrafanaTheme2): { text: string; color: string } {
  const process = getDisplayProcessor({
    field: { type: FieldType.number, config: (panel.fieldConfig?.defaults ?? {}) as never },
    theme,
    timeZone: "utc",
  });
  return { text: formattedValueToString(process(null)) || "No data", color: "" };
}
