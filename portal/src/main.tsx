import { render } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { dashboards } from "./api.ts";
import { DashboardView } from "./dashboard.tsx";
import { InsightsView } from "./insights.tsx";
import { themeOf, type Mode } from "./meaning.ts";
import "uplot/dist/uPlot.min.css";
import "./style.css";

const STORED = "agent-analytics-theme";
const preferred = matchMedia("(prefers-color-scheme: light)");

function modeNow(): Mode {
  const asked = new URLSearchParams(location.search).get("theme") ?? localStorage.getItem(STORED);
  if (asked === "light" || asked === "dark") return asked;
  return preferred.matches ? "light" : "dark";
}

/** The page's path below where the app is mounted, which `<base>` tells. */
function pathNow(): string {
  return location.pathname.slice(new URL(document.baseURI).pathname.length);
}

function App() {
  const [mode, setMode] = useState(modeNow);
  const [boards, setBoards] = useState<{ uid: string; title: string }[]>([]);
  const theme = useMemo(() => themeOf(mode), [mode]);
  const path = pathNow();
  const uid = /^d\/([\w-]+)$/.exec(path)?.[1] ?? (path === "" ? "agent-analytics-marketplace" : "");

  useEffect(() => {
    document.documentElement.dataset["theme"] = mode;
  }, [mode]);
  useEffect(() => {
    const stop = new AbortController();
    dashboards(stop.signal).then(setBoards, () => undefined); // the page itself says what is wrong
    return () => stop.abort();
  }, []);

  const other = mode === "dark" ? "light" : "dark";
  return (
    <>
      <a class="skip" href={`${location.pathname}${location.search}#main`}>Skip to the content</a>
      <header class="top">
        <b class="brand">agent-analytics</b>
        <nav aria-label="Pages">
          {boards.map((board) => (
            <a key={board.uid} href={`d/${board.uid}`} aria-current={board.uid === uid && "page"}>{board.title}</a>
          ))}
          <a href="insights" aria-current={path === "insights" ? "page" : undefined}>Insights</a>
        </nav>
        <button
          type="button"
          onClick={() => {
            localStorage.setItem(STORED, other);
            setMode(other);
          }}
        >
          {other === "light" ? "Light" : "Dark"}
        </button>
      </header>
      {path === "insights" ? <InsightsView /> : <DashboardView key={uid} uid={uid} theme={theme} />}
    </>
  );
}

const place = document.getElementById("app");
if (place) render(<App />, place);
