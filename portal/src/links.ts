/** Links of a dashboard and of its cells. They lead to pages of the portal, or to a runbook. */

import type { Chosen, Dashboard, Panel } from "./model.ts";
import type { Range } from "./time.ts";
import { parameters } from "./variables.ts";

export interface Where {
  chosen: Chosen;
  range: Range;
}

interface Link {
  title: string;
  url: string;
}

function timeOf(range: Range): string {
  return new URLSearchParams({ from: range.from, to: range.to }).toString();
}

/** Addresses of the dashboard's own links, with variables and range. */
export function ofDashboard(dashboard: Dashboard, where: Where): Link[] {
  return (dashboard.links ?? []).map((link) => {
    const query = link.includeVars ? parameters(where.chosen, Object.keys(where.chosen)) : new URLSearchParams();
    if (link.keepTime) for (const [name, value] of new URLSearchParams(timeOf(where.range))) query.set(name, value);
    return { title: link.title, url: `${link.url.slice(1)}?${query}` };
  });
}

/** The first link of a column, as it is committed. */
export function ofColumn(panel: Panel, column: string): Link | undefined {
  for (const override of panel.fieldConfig?.overrides ?? []) {
    if (override.matcher.options !== column) continue;
    for (const { id, value } of override.properties) if (id === "links") return (value as unknown as Link[])[0];
  }
  return undefined;
}

/** Puts a row's values into a link; nothing where it would lead out of the web. */
export function ofCell(link: Link, value: string, row: Record<string, string>, where: Where): string | undefined {
  const put = link.url.replace(/\$\{([^}]+)\}/g, (_all, name: string) => {
    if (name === "__url_time_range") return timeOf(where.range);
    if (name === "__value.raw") return encodeURIComponent(value);
    if (name.startsWith("__data.fields.")) return encodeURIComponent(row[name.slice("__data.fields.".length)] ?? "");
    const [variable = "", format] = name.split(":");
    if (format === "queryparam") return parameters(where.chosen, [variable]).toString();
    // A text box holds an address as such.
    return where.chosen[variable]?.[0] ?? "";
  });
  if (put.startsWith("/d/")) return put.slice(1);
  return /^https?:\/\//i.test(put) ? put : undefined;
}
