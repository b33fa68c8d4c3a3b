import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { marks as marksOf } from "./annotations.ts";
import { Look, Refused, dashboard as ask } from "./api.ts";
import { ofDashboard } from "./links.ts";
import type { GrafanaTheme2 } from "./meaning.ts";
import { ALL, type Chosen, type Dashboard, type Panel, type Variable } from "./model.ts";
import { PanelView } from "./panel.tsx";
import type { Mark } from "./panels/props.ts";
import { unsupportedInDashboard } from "./subset.ts";
import { RANGES, REFRESHES, every, isTime, moment, utc, type Range } from "./time.ts";
import { fromAddress, parameters, resolve, type Choices } from "./variables.ts";

const COLUMNS = 24;
const GAP = 8;

/** A dashboard by its uid, with what its address says is chosen. */
export function DashboardView({ uid, theme }: { uid: string; theme: GrafanaTheme2 }) {
  const [document_, setDocument] = useState<Dashboard>();
  const [wrong, setWrong] = useState("");
  useEffect(() => {
    const stop = new AbortController();
    ask(uid, stop.signal).then(setDocument, (error: unknown) => {
      if (!stop.signal.aborted) setWrong(error instanceof Refused ? error.message : String(error));
    });
    return () => stop.abort();
  }, [uid]);
  if (wrong) return <main id="main"><p class="wrong" role="alert">{wrong}</p></main>;
  if (!document_) return <main id="main" aria-busy="true"><div class="skeleton tall" /></main>;
  return <Shown dashboard={document_} theme={theme} />;
}

function addressed(dashboard: Dashboard): { chosen: Chosen; range: Range; refresh: string } {
  const query = new URLSearchParams(location.search);
  const [from, to] = [query.get("from") ?? "", query.get("to") ?? ""];
  const refresh = query.get("refresh");
  return {
    chosen: fromAddress(dashboard, query),
    range: isTime(from) && isTime(to) ? { from, to } : dashboard.time,
    refresh: refresh !== null && REFRESHES.includes(refresh) ? refresh : (dashboard.refresh ?? ""),
  };
}

function Shown({ dashboard, theme }: { dashboard: Dashboard; theme: GrafanaTheme2 }) {
  const [{ chosen, range, refresh }, setView] = useState(() => addressed(dashboard));
  const [choices, setChoices] = useState<Choices>({});
  const [resolved, setResolved] = useState<Chosen>(chosen);
  const [look, setLook] = useState<Look>();
  const [marks, setMarks] = useState<Mark[]>([]);
  const [wrong, setWrong] = useState("");
  const [shownMarks, setShownMarks] = useState<ReadonlySet<string>>(
    new Set(dashboard.annotations.list.filter((each) => each.enable).map((each) => each.name)),
  );
  const under = useRef<Look | undefined>(undefined);
  const busy = useRef(false);
  const room = useRef<HTMLDivElement>(null);
  const outside = unsupportedInDashboard(dashboard as unknown as Record<string, unknown>);

  const refreshNow = useCallback(async () => {
    under.current?.end();
    busy.current = true;
    const now = Date.now() / 1000;
    const span = { from: moment(range.from, now), to: moment(range.to, now) };
    const view = { dashboard: dashboard.uid, variables: {}, ...span };
    // What can be chosen is asked first: a panel's question names what is chosen.
    const asking = new Look(view);
    under.current = asking;
    try {
      const found = await resolve(dashboard, chosen, asking);
      if (asking.signal.aborted) return;
      const next = new Look({ ...view, variables: withoutEmpty(found.chosen) });
      under.current = next;
      setChoices(found.choices);
      setResolved(found.chosen);
      setLook(next);
      setWrong("");
      setMarks(await marksOf(dashboard, next));
    } catch (error) {
      if (!under.current?.signal.aborted) setWrong(error instanceof Refused ? error.message : String(error));
    } finally {
      busy.current = false;
    }
  }, [dashboard, JSON.stringify(chosen), range.from, range.to]);

  useEffect(() => {
    void refreshNow();
    return () => under.current?.end();
  }, [refreshNow]);

  useEffect(() => {
    const pause = every(refresh);
    if (pause === 0) return;
    // Nobody looks at a page in the background; one look at a time.
    const timer = setInterval(() => !document.hidden && !busy.current && void refreshNow(), pause);
    return () => clearInterval(timer);
  }, [refresh, refreshNow]);

  useEffect(() => {
    document.title = `${dashboard.title} – agent analytics`;
    const back = () => setView(addressed(dashboard));
    addEventListener("popstate", back);
    return () => removeEventListener("popstate", back);
  }, [dashboard]);

  const change = (to: { chosen?: Chosen; range?: Range; refresh?: string }) => {
    const next = { chosen: to.chosen ?? resolved, range: to.range ?? range, refresh: to.refresh ?? refresh };
    const query = parameters(next.chosen, Object.keys(next.chosen));
    query.set("from", next.range.from);
    query.set("to", next.range.to);
    query.set("refresh", next.refresh);
    history.pushState(null, "", `${location.pathname}?${query}`);
    setView(next);
  };
  const choose = (variable: Variable, values: string[]) => {
    // Those behind it list what goes with it: their own choice is of what was before.
    const behind = dashboard.templating.list.filter(
      (each) => each.type === "query" && each.name !== variable.name && each.query?.includes(`$${variable.name}`),
    );
    const cleared = Object.fromEntries(behind.map((each) => [each.name, [] as string[]]));
    change({ chosen: { ...resolved, ...cleared, [variable.name]: values } });
  };

  const where = useMemo(() => ({ chosen: resolved, range }), [resolved, range]);
  const seen = useMemo(() => marks.filter((mark) => shownMarks.has(mark.name)), [marks, shownMarks]);
  const width = room.current?.clientWidth ?? document.documentElement.clientWidth - 32;
  const narrow = width < 760;
  const pixels = (panel: Panel) => (narrow ? width : ((width + GAP) / COLUMNS) * panel.gridPos.w - GAP);
  return (
    <main id="main">
      <header class="head">
        <h1>{dashboard.title}</h1>
        <p class="about">{dashboard.description}</p>
      </header>
      <form class="controls" aria-label="What is shown" onSubmit={(event) => event.preventDefault()}>
        {dashboard.templating.list.map((variable) => (
          <Control key={variable.name} variable={variable} choices={choices[variable.name]} chosen={resolved[variable.name] ?? []} choose={(values) => choose(variable, values)} />
        ))}
        <RangeControl own={dashboard.time} range={range} change={(to) => change({ range: to })} />
        <label>
          Refresh
          <select value={refresh} onChange={(event) => change({ refresh: event.currentTarget.value })}>
            {[...new Set([...REFRESHES, refresh])].map((each) => (
              <option key={each} value={each}>{each || "off"}</option>
            ))}
          </select>
        </label>
        <button type="button" onClick={() => void refreshNow()}>Refresh now</button>
        {dashboard.annotations.list.map((each) => (
          <label key={each.name} class="check">
            <input
              type="checkbox"
              checked={shownMarks.has(each.name)}
              onChange={() => {
                const next = new Set(shownMarks);
                if (!next.delete(each.name)) next.add(each.name);
                setShownMarks(next);
              }}
            />
            {each.name}
          </label>
        ))}
      </form>
      <nav class="links" aria-label="From here">
        {ofDashboard(dashboard, where).map((link) => (
          <a key={link.url} href={link.url}>{link.title}</a>
        ))}
      </nav>
      {[...outside.map((each) => `The portal does not draw all of this: ${each}.`), ...(wrong ? [wrong] : [])].map((each) => (
        <p key={each} class="wrong" role="alert">{each}</p>
      ))}
      <div class="grid" ref={room}>
        {[...dashboard.panels]
          .sort((one, other) => one.gridPos.y - other.gridPos.y || one.gridPos.x - other.gridPos.x)
          .map((panel) =>
            panel.type === "row" ? (
              <Row key={panel.id} panel={panel} />
            ) : (
              <PanelView key={panel.id} panel={panel} look={look} where={where} theme={theme} marks={seen} width={pixels(panel)} />
            ),
          )}
      </div>
      <p class="foot">
        {look && `From ${utc(look.view.from * 1000).slice(0, 16)} to ${utc(look.view.to * 1000).slice(0, 16)}. `}All times are UTC.
      </p>
    </main>
  );
}

/** A variable with nothing to choose is left to the server, which puts in an empty text. */
function withoutEmpty(chosen: Chosen): Chosen {
  return Object.fromEntries(Object.entries(chosen).map(([name, values]) => [name, values.length > 0 ? values : [""]]));
}

function Row({ panel }: { panel: Panel }) {
  const { x, y, w, h } = panel.gridPos;
  return (
    <h2 class="row" style={{ "--x": String(x + 1), "--y": String(y + 1), "--w": String(w), "--h": String(h) }}>
      {panel.title}
    </h2>
  );
}

interface ControlProps {
  variable: Variable;
  choices: { text: string; value: string }[] | undefined;
  chosen: string[];
  choose: (values: string[]) => void;
}

function Control({ variable, choices, chosen, choose }: ControlProps) {
  const label = variable.label ?? variable.name;
  // There is one Prometheus behind the portal: nothing to choose.
  if (variable.type === "datasource" || variable.hide === 2) return null;
  if (variable.type === "textbox")
    return (
      <label>
        {label}
        <input type="text" value={chosen[0] ?? ""} onChange={(event) => choose([event.currentTarget.value])} />
      </label>
    );
  const known = choices ?? [];
  const missing = chosen.filter((value) => !known.some((each) => each.value === value));
  const all = [...known, ...missing.map((value) => ({ text: value === ALL ? "All" : value, value }))];
  if (variable.multi)
    return (
      <details class="several">
        <summary>
          {label}
          <b>{chosen.includes(ALL) ? "All" : chosen.length > 2 ? `${chosen.length} chosen` : chosen.join(", ") || "none"}</b>
        </summary>
        <fieldset>
          <legend class="hidden">{label}</legend>
          {all.map((each) => (
            <label key={each.value} class="check">
              <input type="checkbox" checked={chosen.includes(each.value)} onChange={(event) => choose(toggled(chosen, each.value, event.currentTarget.checked, Boolean(variable.includeAll)))} />
              {each.text}
            </label>
          ))}
        </fieldset>
      </details>
    );
  return (
    <label>
      {label}
      <select value={chosen[0] ?? ""} onChange={(event) => choose([event.currentTarget.value])}>
        {all.length === 0 && <option value="">none known</option>}
        {all.map((each) => (
          <option key={each.value} value={each.value}>{each.text}</option>
        ))}
      </select>
    </label>
  );
}

function toggled(chosen: string[], value: string, on: boolean, hasAll: boolean): string[] {
  if (value === ALL) return [ALL];
  const others = chosen.filter((each) => each !== ALL && each !== value);
  const next = on ? [...others, value] : others;
  return next.length > 0 || !hasAll ? next : [ALL];
}

function RangeControl({ own, range, change }: { own: Range; range: Range; change: (to: Range) => void }) {
  const named = [...RANGES];
  for (const each of [own, range])
    if (each.to === "now" && !named.some(({ from }) => from === each.from)) named.push({ from: each.from, label: `Last ${each.from.slice(4)}` });
  const now = Date.now() / 1000;
  const written = (text: string) => utc(moment(text, now) * 1000).slice(0, 16).replace(" ", "T");
  const exact = (from: string, to: string) => {
    const [start, end] = [Date.parse(`${from}Z`), Date.parse(`${to}Z`)];
    if (start < end) change({ from: String(start), to: String(end) });
  };
  const isNamed = range.to === "now";
  return (
    <>
      <label>
        Time
        <select
          value={isNamed ? range.from : ""}
          onChange={(event) => {
            const from = event.currentTarget.value;
            change(from ? { from, to: "now" } : { from: String(Math.round(moment(range.from, now) * 1000)), to: String(Math.round(now * 1000)) });
          }}
        >
          {named.map((each) => (
            <option key={each.from} value={each.from}>{each.label}</option>
          ))}
          <option value="">From … to …</option>
        </select>
      </label>
      {!isNamed && (
        <>
          <label>
            From (UTC)
            <input type="datetime-local" value={written(range.from)} onChange={(event) => exact(event.currentTarget.value, written(range.to))} />
          </label>
          <label>
            To (UTC)
            <input type="datetime-local" value={written(range.to)} onChange={(event) => exact(written(range.from), event.currentTarget.value)} />
          </label>
        </>
      )}
    </>
  );
}
