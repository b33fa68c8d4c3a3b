/** The parts of Grafana's dashboard JSON that are read here; `subset.ts` says which values are drawn. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Options = Record<string, Json>;

export interface Target {
  refId: string;
  expr: string;
  instant?: boolean;
  range?: boolean;
  exemplar?: boolean;
  format?: string;
  interval?: string;
  legendFormat?: string;
  hide?: boolean;
}

export interface Transformation {
  id: string;
  options: Options;
}

export interface FieldConfig {
  defaults: Options & { noValue?: string; custom?: Options };
  overrides: { matcher: { id: string; options: Json }; properties: { id: string; value: Json }[] }[];
}

export interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: Target[];
  transformations?: Transformation[];
  fieldConfig?: FieldConfig;
  options?: Options;
  timeFrom?: string;
  collapsed?: boolean;
  panels?: Panel[];
}

export interface Variable {
  name: string;
  label?: string;
  type: string;
  query?: string;
  multi?: boolean;
  includeAll?: boolean;
  allValue?: string;
  hide?: number;
  current?: { text?: Json; value?: string | string[] };
  options?: { text: string; value: string }[];
}

export interface Annotation {
  name: string;
  expr: string;
  enable: boolean;
  iconColor: string;
  titleFormat?: string;
  textFormat?: string;
}

export interface Dashboard {
  uid: string;
  title: string;
  description?: string;
  tags?: string[];
  time: { from: string; to: string };
  refresh?: string;
  panels: Panel[];
  links?: { title: string; url: string; type: string; includeVars?: boolean; keepTime?: boolean }[];
  templating: { list: Variable[] };
  annotations: { list: Annotation[] };
}

/** What is chosen for each variable. */
export type Chosen = Record<string, string[]>;

export const ALL = "$__all";
