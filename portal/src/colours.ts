/** Colours that can be read: a threshold's colour may be too light for text. */

import { inkOf, type GrafanaTheme2 } from "./meaning.ts";

type Parts = [number, number, number];

/** What WCAG asks of text. */
const ENOUGH = 4.5;
const STEP = 0.08;

function parts(color: string): Parts | undefined {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(color);
  if (hex) return hex.slice(1, 4).map((part) => parseInt(part, 16)) as Parts;
  const rgb = /^rgba?\((\d+),\s*(\d+),\s*(\d+)(?:,\s*([\d.]+))?/.exec(color);
  return rgb && Number(rgb[4] ?? 1) >= 0.6 ? (rgb.slice(1, 4).map(Number) as Parts) : undefined;
}

function brightness(of: Parts): number {
  const [red, green, blue] = of.map((part) => {
    const share = part / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as Parts;
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: Parts, other: Parts): number {
  const [less, more] = [brightness(one), brightness(other)].sort((a, b) => a - b) as [number, number];
  return (more + 0.05) / (less + 0.05);
}

/** Black or white, whichever can be read on a colour; nothing where the page shines through. */
export function on(background: string): string {
  const found = parts(background);
  return found ? (contrast(found, [0, 0, 0]) > contrast(found, [255, 255, 255]) ? "#000" : "#fff") : "";
}

/** A colour as text on a panel: darker or lighter, as far as it takes to be read. */
export function legible(color: string, theme: GrafanaTheme2): string {
  const [found, panel] = [parts(color), parts(inkOf(theme).panel)];
  if (!found || !panel) return color;
  const end = theme.isDark ? 255 : 0;
  let now = found;
  for (let share = STEP; contrast(now, panel) < ENOUGH && share <= 1; share += STEP)
    now = found.map((part) => Math.round(part + (end - part) * share)) as Parts;
  return `rgb(${now.join(", ")})`;
}
