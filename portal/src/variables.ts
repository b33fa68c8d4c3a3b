/** Variables of a dashboard: what is chosen, what may be chosen, and where links carry it. */

import type { Look } from "./api.ts";
import { ALL, type Chosen, type Dashboard, type Variable } from "./model.ts";

export interface Choice {
  text: string;
  value: string;
}

/** What can be chosen for each variable; nothing for a text box. */
export type Choices = Record<string, Choice[]>;

/** What an address says is chosen, else the dashboard's own choice. */
export function fromAddress(dashboard: Dashboard, query: URLSearchParams): Chosen {
  const chosen: Chosen = {};
  for (const variable of dashboard.templating.list) {
    const given = query.getAll(`var-${variable.name}`).filter((each) => admitted(variable, each));
    const several = variable.multi ? given : given.slice(0, 1);
    chosen[variable.name] = several.length > 0 ? several : own(variable);
  }
  return chosen;
}

function own(variable: Variable): string[] {
  if (variable.type === "textbox") return [variable.query ?? ""];
  const value = variable.current?.value;
  return value === undefined ? [] : [value].flat();
}

function admitted(variable: Variable, value: string): boolean {
  if (variable.type === "custom") return (variable.options ?? []).some((each) => each.value === value);
  // There is one Prometheus, whatever the address calls it.
  return variable.type !== "datasource" && (value !== ALL || Boolean(variable.includeAll));
}

/** Asks what can be chosen, one variable after the other: those behind name those before. */
export async function resolve(dashboard: Dashboard, chosen: Chosen, look: Look): Promise<{ chosen: Chosen; choices: Choices }> {
  const found: Chosen = { ...chosen };
  const choices: Choices = {};
  for (const variable of dashboard.templating.list) {
    if (variable.type === "custom") choices[variable.name] = variable.options ?? [];
    if (variable.type !== "query") continue;
    const { values } = await look.ask<{ values: string[] }>(
      "values",
      { variable: variable.name, variables: found },
      JSON.stringify([variable.query, found]),
    );
    const all = variable.includeAll ? [{ text: "All", value: ALL }] : [];
    choices[variable.name] = [...all, ...values.map((value) => ({ text: value, value }))];
    const now = found[variable.name] ?? [];
    // What an address names stays chosen, whether or not it is known: the page says "no data" then.
    if (now.length === 0) found[variable.name] = values.slice(0, 1);
  }
  return { chosen: found, choices };
}

/** Parameters of an address for some variables. */
export function parameters(chosen: Chosen, names: Iterable<string>): URLSearchParams {
  const found = new URLSearchParams();
  for (const name of names) for (const value of chosen[name] ?? []) found.append(`var-${name}`, value);
  return found;
}
