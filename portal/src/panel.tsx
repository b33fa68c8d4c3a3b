import { Component, type ComponentChildren, type FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Refused, type Answer, type Exemplar, type Look } from "./api.ts";
import type { Where } from "./links.ts";
import { framesOf, meant, type DataFrame, type GrafanaTheme2 } from "./meaning.ts";
import type { Panel } from "./model.ts";
import { BarGauge } from "./panels/bargauge.tsx";
import { Heatmap } from "./panels/heatmap.tsx";
import type { Mark, PanelProps } from "./panels/props.ts";
import { Stat } from "./panels/stat.tsx";
import { Table } from "./panels/table.tsx";
import { TimeSeries } from "./panels/timeseries.tsx";
import { unsupportedInPanel } from "./subset.ts";

const KINDS: Record<string, FunctionComponent<PanelProps>> = {
  stat: Stat,
  timeseries: TimeSeries,
  table: Table,
  heatmap: Heatmap,
  bargauge: BarGauge,
};
/** Pixels between two steps of width: near widths ask the same question. */
const WIDTH_STEP = 100;

interface Found {
  frames: DataFrame[];
  exemplars: Exemplar[];
  span: { from: number; to: number };
  warnings: string[];
}

interface Props {
  panel: Panel;
  look: Look | undefined;
  where: Where;
  theme: GrafanaTheme2;
  marks: Mark[];
  width: number;
}

async function find(panel: Panel, look: Look, width: number, theme: GrafanaTheme2): Promise<Found> {
  const targets = (panel.targets ?? []).filter((target) => !target.hide);
  const points = Math.max(WIDTH_STEP, Math.round(width / WIDTH_STEP) * WIDTH_STEP);
  const what = (target: string) => ({ panel: panel.id, target, points });
  const answers = await Promise.all(
    targets.map((target) => {
      // Panels that ask the same share an answer, whatever they draw of it.
      const key = [target.expr, Boolean(target.instant), ...(target.instant ? [] : [points, target.interval, panel.timeFrom])];
      return look.ask<Answer>("query", what(target.refId), JSON.stringify(key));
    }),
  );
  const frames = targets.flatMap((target, index) => framesOf(target, answers[index]!, targets.length > 1));
  const exemplars = await Promise.all(
    targets
      .filter((target) => target.exemplar)
      .map((target) =>
        look
          .ask<{ result: { exemplars: Exemplar[] }[] | null }>("exemplars", what(target.refId), target.expr)
          // Where exemplars are not kept, everything else is shown all the same.
          .catch(() => ({ result: null })),
      ),
  );
  const last = answers.at(-1);
  const shifted = panel.timeFrom && last ? last.start : look.view.from;
  return {
    frames: await meant(panel, frames, theme),
    exemplars: exemplars.flatMap((each) => (each.result ?? []).flatMap((series) => series.exemplars)),
    span: { from: shifted, to: look.view.to },
    warnings: [...new Set(answers.flatMap((answer) => answer.warnings))],
  };
}

/** What is wrong in drawing one panel is said in its place; the others go on. */
class Fence extends Component<{ children: ComponentChildren; of: unknown }, { error: string; of: unknown }> {
  override state = { error: "", of: undefined as unknown };

  static override getDerivedStateFromError(error: unknown) {
    return { error: String(error) };
  }

  static override getDerivedStateFromProps(props: { of: unknown }, state: { error: string; of: unknown }) {
    return props.of === state.of ? null : { error: "", of: props.of };
  }

  override render() {
    return this.state.error ? <Wrong text={`This panel could not be drawn: ${this.state.error}`} /> : this.props.children;
  }
}

function Wrong({ text }: { text: string }) {
  return (
    <p class="wrong" role="alert">
      {text}
    </p>
  );
}

export function PanelView({ panel, look, where, theme, marks, width }: Props) {
  const [found, setFound] = useState<Found>();
  const [wrong, setWrong] = useState("");
  const outside = unsupportedInPanel(panel as unknown as Record<string, unknown>);

  useEffect(() => {
    if (!look || outside.length > 0) return;
    let wanted = true;
    find(panel, look, width, theme).then(
      (answer) => {
        if (!wanted) return;
        setFound(answer);
        setWrong("");
      },
      (error: unknown) => {
        if (!wanted || look.signal.aborted) return;
        setWrong(error instanceof Refused ? error.message : String(error));
      },
    );
    return () => {
      wanted = false;
    };
  }, [look, theme]);

  const { x, y, w, h } = panel.gridPos;
  const Kind = KINDS[panel.type];
  const state = outside.length > 0 ? "unsupported" : wrong ? "error" : found ? "drawn" : "loading";
  const place = { "--x": String(x + 1), "--y": String(y + 1), "--w": String(w), "--h": String(h) };
  return (
    <div
      role="group"
      class={`panel panel-${panel.type}`}
      style={place}
      aria-label={panel.title}
      aria-busy={state === "loading"}
      data-panel={panel.id}
      data-state={state}
    >
      <h2>
        {panel.title}
        {panel.timeFrom && <span class="aside"> last {panel.timeFrom}</span>}
        {panel.description && <Hint text={panel.description} of={panel.title} />}
      </h2>
      {outside.map((each) => (
        <Wrong key={each} text={`The portal does not draw this panel: ${each}.`} />
      ))}
      {wrong && <Wrong text={wrong} />}
      {found?.warnings.map((each) => (
        <p key={each} class="warning">
          {each}
        </p>
      ))}
      {/* What was drawn before an error stays, under the error that says it is old. */}
      {found && Kind && outside.length === 0 && (
        <Fence of={found}>
          <Kind panel={panel} frames={found.frames} exemplars={found.exemplars} span={found.span} theme={theme} where={where} marks={marks} />
        </Fence>
      )}
      {state === "loading" && <div class="skeleton" aria-hidden="true" />}
    </div>
  );
}

function Hint({ text, of }: { text: string; of: string }) {
  const [open, setOpen] = useState(false);
  return (
    <span class="hint">
      <button type="button" aria-expanded={open} aria-label={`What is ${of}?`} onClick={() => setOpen(!open)} onBlur={() => setOpen(false)} onKeyDown={(event) => event.key === "Escape" && setOpen(false)}>
        ?
      </button>
      {open && <span class="hint-text" role="note">{text}</span>}
    </span>
  );
}
