import { useEffect, useRef } from "preact/hooks";
import { FieldType, inkOf, nothing, writer } from "../meaning.ts";
import { tick } from "../time.ts";
import { Data } from "./data.tsx";
import type { PanelProps } from "./props.ts";

const LEFT = 62;
const BOTTOM = 22;
const TOP = 4;
/** From few to many, in the dark and in the light: Blues, as far as it stands out from the panel. */
const SHADES = { dark: [[18, 42, 74], [173, 216, 255]], light: [[222, 235, 247], [8, 48, 107]] } as const;

/** How many fell into which bucket when: the stronger, the more. */
export function Heatmap(props: PanelProps) {
  const { panel, frames, theme, span, exemplars } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const frame = frames[0];
  const options = panel.options ?? {};
  const least = Number((options["filterValues"] as { le?: number } | undefined)?.le ?? 0);
  const exponent = Number((options["color"] as { exponent?: number } | undefined)?.exponent ?? 1);
  const steps = Number((options["color"] as { steps?: number } | undefined)?.steps ?? 32);
  const rows = (frame?.fields ?? []).filter((field) => field.type === FieldType.number);
  const most = rows.reduce((found, field) => field.values.reduce((max: number, value: number | null) => Math.max(max, value ?? 0), found), 0);

  useEffect(() => {
    const place = canvas.current;
    if (!place || !frame || most <= least) return;
    const unit = String((options["yAxis"] as { unit?: string } | undefined)?.unit ?? "short");
    const ink = inkOf(theme);
    const write = writer(unit, theme);
    const draw = () => {
      const ratio = devicePixelRatio;
      const [width, height] = [place.clientWidth, place.clientHeight];
      place.width = width * ratio;
      place.height = height * ratio;
      const pen = place.getContext("2d");
      if (!pen) return;
      pen.scale(ratio, ratio);
      pen.clearRect(0, 0, width, height);
      const times: number[] = frame.fields[0]?.values ?? [];
      const step = Number(frame.fields[0]?.config.interval ?? 1000) / 1000;
      const [w, h] = [width - LEFT - 4, height - TOP - BOTTOM];
      const x = (seconds: number) => LEFT + ((seconds - span.from) / (span.to - span.from)) * w;
      const cell = h / rows.length;
      const [few, many] = SHADES[theme.isDark ? "dark" : "light"];
      rows.forEach((field, row) => {
        field.values.forEach((value: number | null, index: number) => {
          if (value === null || value <= least) return;
          const share = Math.ceil((value / most) ** exponent * steps) / steps;
          pen.fillStyle = `rgb(${few.map((part, each) => Math.round(part + ((many[each] ?? 0) - part) * share)).join(",")})`;
          const to = (times[index] ?? 0) / 1000;
          const [from, end] = [Math.max(LEFT, x(to - step)), Math.min(LEFT + w, x(to))];
          if (end > from) pen.fillRect(from, TOP + h - (row + 1) * cell + 0.5, Math.max(1, end - from - 0.5), cell - 1);
        });
      });
      pen.fillStyle = ink.text;
      pen.font = "11px system-ui, sans-serif";
      pen.textAlign = "right";
      const skip = Math.max(1, Math.ceil(14 / cell));
      rows.forEach((field, row) => {
        if (row % skip !== 0) return;
        const label = field.name === "+Inf" ? "longer" : write(Number(field.name));
        pen.fillText(label, LEFT - 6, TOP + h - (row + 1) * cell + 4 + cell * 0.2);
      });
      pen.textAlign = "center";
      const ticks = Math.max(2, Math.floor(w / 80));
      for (let each = 0; each <= ticks; each++) {
        const at = span.from + ((span.to - span.from) * each) / ticks;
        pen.fillText(tick(at, (span.to - span.from) / ticks), Math.min(Math.max(x(at), LEFT + 16), width - 18), height - 6);
      }
      pen.fillStyle = ink.single;
      for (const each of exemplars) {
        const value = Number(each.value);
        const row = rows.findIndex((field) => field.name === "+Inf" || value <= Number(field.name));
        if (row < 0 || each.timestamp < span.from || each.timestamp > span.to) continue;
        pen.fillRect(x(each.timestamp) - 2, TOP + h - (row + 0.5) * cell - 2, 4, 4);
      }
    };
    draw();
    const watch = new ResizeObserver(draw);
    watch.observe(place);
    return () => watch.disconnect();
  }, [frames, theme, exemplars, span.from, span.to]);

  if (!frame || most <= least) return <p class="nothing">{nothing(panel, theme).text}</p>;
  return (
    <>
      <canvas
        class="plot"
        ref={canvas}
        role="img"
        aria-label={`${panel.title}: a heat map of ${rows.length} buckets. Its numbers are in the table below.`}
      />
      <p class="legend-time">The stronger, the more: up to {Math.round(most).toLocaleString("en")} in a cell.</p>
      <Data {...props} />
    </>
  );
}
