/** Ranges of time, as they stand in addresses: `now-30d`, or milliseconds since 1970. */

export interface Range {
  from: string;
  to: string;
}

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const RELATIVE = /^now(?:-(\d+)([smhdw]))?$/;
const ABSOLUTE = /^\d{10,14}$/;

/** Ranges that can be chosen, besides that of the dashboard. */
export const RANGES: readonly { from: string; label: string }[] = [
  { from: "now-15m", label: "Last 15 minutes" },
  { from: "now-1h", label: "Last hour" },
  { from: "now-6h", label: "Last 6 hours" },
  { from: "now-24h", label: "Last 24 hours" },
  { from: "now-7d", label: "Last 7 days" },
  { from: "now-30d", label: "Last 30 days" },
  { from: "now-90d", label: "Last 90 days" },
];

export const REFRESHES: readonly string[] = ["", "5s", "10s", "30s", "1m", "5m"];

export function isTime(text: string): boolean {
  return RELATIVE.test(text) || ABSOLUTE.test(text);
}

/** Seconds since 1970 that a text of a range stands for. */
export function moment(text: string, now: number): number {
  const relative = RELATIVE.exec(text);
  if (relative) return now - Number(relative[1] ?? 0) * (SECONDS[relative[2] ?? "s"] ?? 1);
  return Number(text) / 1000;
}

/** Milliseconds of a refresh such as `30s`; 0 for none. */
export function every(refresh: string): number {
  const found = /^(\d+)([smh])$/.exec(refresh);
  return found ? Number(found[1]) * (SECONDS[found[2] ?? "s"] ?? 1) * 1000 : 0;
}

const two = (value: number): string => String(value).padStart(2, "0");

/** A time in UTC, as a table has it. */
export function utc(ms: number): string {
  const at = new Date(ms);
  return (
    `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())} ` +
    `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`
  );
}

/** A time in UTC as an axis has it: what matters at a distance between two ticks, in seconds. */
export function tick(seconds: number, apart: number): string {
  const at = utc(seconds * 1000);
  if (apart >= 86_400) return at.slice(5, 10);
  if (apart >= 60) return at.slice(11, 16);
  return at.slice(11, 19);
}
