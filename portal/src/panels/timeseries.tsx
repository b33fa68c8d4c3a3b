import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { FieldType, inkOf, nameOf, nothing, shown, writer, type DataFrame, type Field } from "../meaning.ts";
import { tick, utc } from "../time.ts";
import { Data } from "./data.tsx";
import type { PanelProps } from "./props.ts";

interface Line {
  name: string;
  field: Field;
  color: string;
  dash: number[];
}

interface Custom {
  drawStyle?: string;
  fillOpacity?: number;
  lineWidth?: number;
  stacking?: { mode?: string };
  thresholdsStyle?: { mode?: string };
}

/** Lines differ by their strokes, too: colours alone tell some readers nothing. */
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 5], [14, 4]];

function linesOf(frames: DataFrame[], theme: PanelProps["theme"]): Line[] {
  const fields = frames.flatMap((frame) =>
    frame.fields.filter((field) => field.type === FieldType.number).map((field) => ({ field, frame })),
  );
  return fields.map(({ field, frame }, index) => ({
    name: nameOf(field, frame, frames),
    field,
    color: colorOf(field, index, theme),
    dash: DASHES[index % DASHES.length] ?? [],
  }));
}

function colorOf(field: Field, index: number, theme: PanelProps["theme"]): string {
  const { mode, fixedColor } = field.config.color ?? {};
  const palette = theme.visualization.palette;
  return mode === "fixed" && fixedColor
    ? theme.visualization.getColorByName(fixedColor)
    : theme.visualization.getColorByName(palette[index % palette.length] ?? "blue");
}

/** One row of values for each line, over the times of all of them. */
function aligned(frames: DataFrame[], lines: Line[], stacked: boolean): uPlot.AlignedData {
  const times = [...new Set(frames.flatMap((frame) => frame.fields[0]?.values ?? []))].sort((one, other) => one - other);
  const rows = lines.map((line) => {
    const frame = frames.find((each) => each.fields.includes(line.field));
    const known = new Map((frame?.fields[0]?.values ?? []).map((at: number, index: number) => [at, line.field.values[index]]));
    return times.map((at) => {
      const value: unknown = known.get(at);
      return typeof value === "number" && isFinite(value) ? value : null;
    });
  });
  if (stacked)
    for (let row = 1; row < rows.length; row++)
      rows[row] = (rows[row] ?? []).map((value, at) => {
        const below = rows[row - 1]?.[at] ?? null;
        return value === null && below === null ? null : (value ?? 0) + (below ?? 0);
      });
  return [times.map((at) => at / 1000), ...rows] as uPlot.AlignedData;
}

export function TimeSeries(props: PanelProps) {
  const { panel, frames, theme, span, marks, exemplars } = props;
  const room = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [at, setAt] = useState<number | null>(null);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const custom = (panel.fieldConfig?.defaults.custom ?? {}) as Custom;
  const stacked = custom.stacking?.mode === "normal";
  const every = linesOf(frames, theme);
  const lines = every.filter((line) => !hidden.has(line.name));
  const empty = !every.some((line) => line.field.values.some((value: unknown) => typeof value === "number" && isFinite(value)));
  const data = aligned(frames, lines, stacked);

  useEffect(() => {
    const place = room.current;
    if (!place || empty) return;
    const unit = String(panel.fieldConfig?.defaults["unit"] ?? "short");
    const write = writer(unit, theme);
    const ink = inkOf(theme);
    const text = ink.text;
    const grid = { stroke: ink.line, width: 1 };
    const bars = custom.drawStyle === "bars";
    const limits = (custom.thresholdsStyle?.mode ?? "off") === "off" ? [] : thresholdsOf(panel);
    const least = panel.fieldConfig?.defaults["min"];
    const fill = (custom.fillOpacity ?? 0) / 100;
    // The lowest of a stack is drawn last, over those that reach above it.
    const drawn = stacked ? [...lines].reverse() : lines;
    const made = new uPlot(
      {
        width: place.clientWidth,
        height: place.clientHeight,
        legend: { show: false },
        tzDate: (seconds) => new Date(seconds * 1000),
        cursor: { drag: { x: false, y: false }, points: { show: !bars, size: 6 }, sync: { key: "portal" } },
        scales: {
          x: { time: false, range: () => [span.from, span.to] },
          y: {
            range: (_plot, low, high) => {
              const from = typeof least === "number" ? least : Math.min(low ?? 0, 0);
              const to = Math.max(high ?? 0, from);
              return [from, to > from ? to + (to - from) * 0.05 : from + 1];
            },
          },
        },
        axes: [
          {
            stroke: text,
            grid,
            ticks: grid,
            space: 60,
            incrs: [1, 5, 10, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_419_200],
            values: (_plot, splits, _axis, _space, apart) => splits.map((each) => tick(each, apart)),
          },
          {
            stroke: text,
            grid,
            ticks: grid,
            size: (_plot, values) => Math.max(34, 20 + 8 * Math.max(0, ...(values ?? []).map((each) => each.length))),
            values: (_plot, splits) => splits.map(write),
          },
        ],
        series: [
          {},
          ...drawn.map((line) => ({
            label: line.name,
            stroke: line.color,
            width: custom.lineWidth ?? 1,
            fill: stacked
              ? opaque(line.color, fill, ink.panel)
              : withAlpha(line.color, fill),
            dash: bars ? [] : line.dash,
            points: { show: false },
            ...(bars ? { paths: uPlot.paths.bars!({ size: [0.8, 60], align: -1 }) } : {}),
          })),
        ],
        hooks: {
          setCursor: [(self) => setAt(self.cursor.idx ?? null)],
          draw: [
            (self) => {
              drawLimits(self, limits.map((each) => ({ ...each, color: theme.visualization.getColorByName(each.color) })));
              drawMarks(self, marks.map((each) => ({ ...each, color: theme.visualization.getColorByName(each.color) })));
              drawExemplars(self, exemplars.map((each) => [each.timestamp, Number(each.value)]), ink.single);
            },
          ],
        },
      },
      stacked ? reversed(data) : data,
      place,
    );
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: place.clientWidth, height: place.clientHeight }));
    watch.observe(place);
    return () => {
      watch.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [frames, theme, hidden, marks, exemplars, span.from, span.to]);

  if (empty) return <p class="nothing">{nothing(panel, theme).text}</p>;
  const toggle = (name: string) => {
    const next = new Set(hidden);
    if (!next.delete(name)) next.add(name);
    setHidden(next);
  };
  const time = at === null ? undefined : data[0][at];
  return (
    <>
      <div class="plot" ref={room} role="img" aria-label={`${panel.title}: a chart of ${every.map((line) => line.name).join(", ")}. Its numbers are in the table below.`} />
      <ul class="legend">
        <li class="legend-time" aria-hidden="true">{time === undefined ? "" : `${utc(time * 1000).slice(0, 16)} UTC`}</li>
        {every.map((line, index) => {
          const known = time === undefined ? undefined : valueAt(frames, line.field, time * 1000);
          return (
            <li key={index}>
              <button type="button" aria-pressed={!hidden.has(line.name)} onClick={() => toggle(line.name)} title="Show or hide">
                <svg width="18" height="10" aria-hidden="true">
                  <line x1="0" y1="5" x2="18" y2="5" stroke={line.color} stroke-width={custom.drawStyle === "bars" ? 9 : 3} stroke-dasharray={custom.drawStyle === "bars" ? "" : line.dash.map((each) => each / 2).join(" ")} />
                </svg>
                {line.name}
                {known === undefined ? "" : <b>{shown(line.field, known).text}</b>}
              </button>
            </li>
          );
        })}
      </ul>
      <Data {...props} />
    </>
  );
}

function reversed(data: uPlot.AlignedData): uPlot.AlignedData {
  const [times, ...rows] = data;
  return [times, ...rows.reverse()] as uPlot.AlignedData;
}

function valueAt(frames: DataFrame[], field: Field, at: number): unknown {
  const times = frames.find((frame) => frame.fields.includes(field))?.fields[0]?.values ?? [];
  const index = times.indexOf(at);
  return index < 0 ? undefined : (field.values[index] ?? undefined);
}

function thresholdsOf(panel: PanelProps["panel"]): { color: string; value: number }[] {
  const steps = (panel.fieldConfig?.defaults["thresholds"] as { steps?: { color: string; value: number | null }[] } | undefined)?.steps ?? [];
  return steps.flatMap((step) => (step.value === null ? [] : [{ color: step.color, value: step.value }]));
}

function parts(color: string): [number, number, number] {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})/i.exec(color);
  if (hex) return [parseInt(hex[1]!, 16), parseInt(hex[2]!, 16), parseInt(hex[3]!, 16)];
  const rgb = /(\d+),\s*(\d+),\s*(\d+)/.exec(color);
  return rgb ? [Number(rgb[1]), Number(rgb[2]), Number(rgb[3])] : [128, 128, 128];
}

function withAlpha(color: string, alpha: number): string {
  return `rgba(${parts(color).join(", ")}, ${alpha})`;
}

/** A colour over a background: bars of a stack hide those behind them. */
function opaque(color: string, alpha: number, background: string): string {
  const [one, other] = [parts(color), parts(background)];
  return `rgb(${one.map((part, index) => Math.round(part * alpha + (other[index] ?? 0) * (1 - alpha))).join(", ")})`;
}

function drawLimits(plot: uPlot, limits: { color: string; value: number }[]): void {
  const { ctx, bbox } = plot;
  for (const limit of limits) {
    const y = plot.valToPos(limit.value, "y", true);
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.save();
    ctx.strokeStyle = limit.color;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([6, 4]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.restore();
  }
}

function drawMarks(plot: uPlot, marks: { color: string; from: number; to: number }[]): void {
  const { ctx, bbox } = plot;
  for (const mark of marks) {
    const x = plot.valToPos(mark.from, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    const end = Math.min(plot.valToPos(mark.to, "x", true), bbox.left + bbox.width);
    ctx.save();
    ctx.globalAlpha = 0.12;
    ctx.fillStyle = mark.color;
    ctx.fillRect(x, bbox.top, Math.max(0, end - x), bbox.height);
    ctx.globalAlpha = 1;
    ctx.strokeStyle = mark.color;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([2, 3]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.restore();
  }
}

export function drawExemplars(plot: uPlot, points: [number, number][], color: string): void {
  const { ctx, bbox } = plot;
  const size = 3 * devicePixelRatio;
  ctx.save();
  ctx.fillStyle = color;
  for (const [at, value] of points) {
    const [x, y] = [plot.valToPos(at, "x", true), plot.valToPos(value, "y", true)];
    if (x < bbox.left || x > bbox.left + bbox.width || y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.fillRect(x - size, y - size, size * 2, size * 2);
  }
  ctx.restore();
}
