/** Asks the portal's own server, and nobody else. */

import type { Chosen, Dashboard } from "./model.ts";

/** What the server or Prometheus said against a question. */
export class Refused extends Error {}

export type Labels = Record<string, string>;

export interface Series {
  metric: Labels;
  value?: [number, string];
  values?: [number, string][];
}

export interface Answer {
  start: number;
  end: number;
  step: number;
  result: Series[];
  warnings: string[];
}

export interface Exemplar {
  labels: Labels;
  value: string;
  timestamp: number;
}

export interface Contributor {
  dimension: string;
  name: string;
  share: number;
  of: string;
  over: string;
}

export interface Insight {
  name: string;
  severity: "critical" | "warning" | "info";
  category: string;
  title: string;
  description: string;
  recommendation: string;
  publisher_id: string;
  agent_id: string;
  tool: string;
  since: string | null;
  worth_usd_day: number | null;
  traffic: string;
  reopened: boolean;
  runbook_url: string;
  contributors: Contributor[];
}

export interface Ended {
  name: string;
  title: string;
  publisher_id: string;
  agent_id: string;
  tool: string;
  state: "fixed" | "not_known";
  opened: string | null;
  last_raised: string | null;
  fixed: string | null;
  worth_before_usd_day: number | null;
  worth_after_usd_day: number | null;
  why: string;
}

export interface Insights {
  insights: Insight[];
  ended: Ended[];
  sentence: string;
  known: boolean;
  all_clear: boolean;
}

async function read<Result>(path: string, init: RequestInit): Promise<Result> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Refused("The portal's server does not answer.");
  }
  const document: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const reason = (document as { error?: unknown } | null)?.error;
    throw new Refused(typeof reason === "string" ? reason : `The portal's server answers with HTTP ${response.status}.`);
  }
  return document as Result;
}

export const get = <Result>(path: string, signal: AbortSignal): Promise<Result> => read(path, { signal });

export const dashboards = (signal: AbortSignal): Promise<{ uid: string; title: string }[]> =>
  get("api/dashboards", signal);

export const dashboard = (uid: string, signal: AbortSignal): Promise<Dashboard> =>
  get(`api/dashboards/${encodeURIComponent(uid)}`, signal);

export interface View {
  dashboard: string;
  variables: Chosen;
  from: number;
  to: number;
}

/**
 * The questions of one look at a view. Each distinct one is asked once, and all that are under way end
 * when the view changes.
 */
export class Look {
  private readonly controller = new AbortController();
  private readonly asked = new Map<string, Promise<unknown>>();

  constructor(readonly view: View) {}

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  end(): void {
    this.controller.abort();
  }

  /**
   * Asks what kind of question about what; `key` says which questions are the same one, whichever
   * panel asks.
   */
  ask<Result>(kind: string, what: Record<string, unknown>, key: string): Promise<Result> {
    const known = this.asked.get(`${kind} ${key}`);
    if (known) return known as Promise<Result>;
    const made = read<Result>(`api/${kind}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ...this.view, ...what }),
      signal: this.signal,
    });
    this.asked.set(`${kind} ${key}`, made);
    return made;
  }
}
