import { useEffect, useState } from "preact/hooks";
import { Refused, get, type Ended, type Insight, type Insights } from "./api.ts";

const RUNBOOK = /^https?:\/\//i;
const dollars = (amount: number): string => `$${amount.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
const time = (text: string): string => `${text.slice(0, 16).replace("T", " ")} UTC`;
const ORDER = ["critical", "warning", "info"];

/** The most severe first; of one severity what is worth most a day. */
export function worstFirst(insights: readonly Insight[]): Insight[] {
  return [...insights].sort(
    (one, other) =>
      ORDER.indexOf(one.severity) - ORDER.indexOf(other.severity) || (other.worth_usd_day ?? -1) - (one.worth_usd_day ?? -1),
  );
}

export function InsightsView() {
  const [publisher, setPublisher] = useState(new URLSearchParams(location.search).get("publisher") ?? "");
  const [publishers, setPublishers] = useState<string[]>([]);
  const [found, setFound] = useState<Insights>();
  const [wrong, setWrong] = useState("");

  useEffect(() => {
    document.title = "Insights – agent analytics";
    const stop = new AbortController();
    get<{ publishers: string[] }>("api/publishers", stop.signal).then(
      (answer) => setPublishers(answer.publishers),
      () => undefined, // the same is said of the insights
    );
    return () => stop.abort();
  }, []);

  useEffect(() => {
    const stop = new AbortController();
    setFound(undefined);
    setWrong("");
    get<Insights>(`api/insights?publisher=${encodeURIComponent(publisher)}`, stop.signal).then(setFound, (error: unknown) => {
      if (!stop.signal.aborted) setWrong(error instanceof Refused ? error.message : String(error));
    });
    return () => stop.abort();
  }, [publisher]);

  const choose = (value: string) => {
    history.replaceState(null, "", `${location.pathname}?${new URLSearchParams({ publisher: value })}`);
    setPublisher(value);
  };
  const names = publishers.includes(publisher) || !publisher ? publishers : [...publishers, publisher];
  return (
    <main id="main" aria-busy={!found && !wrong}>
      <header class="head">
        <h1>Insights</h1>
        <p class="about">What is worth acting on, the worst first.</p>
      </header>
      <form class="controls" aria-label="What is shown" onSubmit={(event) => event.preventDefault()}>
        <label>
          Publisher
          <select value={publisher} onChange={(event) => choose(event.currentTarget.value)}>
            <option value="">The whole marketplace</option>
            {names.map((name) => (
              <option key={name} value={name}>{name}</option>
            ))}
          </select>
        </label>
      </form>
      <nav class="links" aria-label="From here">
        <a href={`report?${new URLSearchParams({ publisher, days: "30" })}`}>Report of 30 days, to print</a>
      </nav>
      {wrong && <p class="wrong" role="alert">{wrong}</p>}
      {!found && !wrong && <div class="skeleton tall" />}
      {found && <Found found={found} />}
    </main>
  );
}

function Found({ found }: { found: Insights }) {
  return (
    <>
      <p class={found.known ? "note" : "warning"}>{found.sentence}</p>
      {found.all_clear && <p class="note">Nothing needs attention.</p>}
      <ol class="insights">
        {worstFirst(found.insights).map((insight, index) => (
          <Item key={index} insight={insight} />
        ))}
      </ol>
      {found.ended.length > 0 && <Past ended={found.ended} />}
    </>
  );
}

function Item({ insight }: { insight: Insight }) {
  const who = [insight.publisher_id, insight.agent_id, insight.tool].filter(Boolean).join(" / ");
  const board = `d/agent-analytics-agent?${new URLSearchParams({ "var-publisher": insight.publisher_id, "var-agent": insight.agent_id })}`;
  return (
    <li class={`insight insight-${insight.severity}`}>
      <article>
        <h2>
          <span class="severity">{insight.severity}</span> {insight.title}
        </h2>
        <p class="who">{who}</p>
        <p>{insight.description}</p>
        <p>
          <b>Do:</b> {insight.recommendation}
        </p>
        <dl>
          <Fact name="Mostly from" value={insight.contributors.map((each) => `${each.dimension} ${each.name}: ${Math.round(each.share * 100)} % of the ${each.of}, ${each.over}`).join("; ")} />
          <Fact name="Worth a day" value={insight.worth_usd_day === null ? "not known" : dollars(insight.worth_usd_day)} />
          <Fact name="Since" value={insight.since ? `${time(insight.since)}${insight.reopened ? ", reopened" : ""}` : "not known"} />
          <Fact name="Asked over" value={insight.traffic} />
          <Fact name="Category" value={insight.category} />
        </dl>
        <p class="links">
          {insight.agent_id && <a href={board}>Look at this agent<span class="hidden"> {who}</span></a>}
          {RUNBOOK.test(insight.runbook_url) && <a href={insight.runbook_url}>Read more<span class="hidden"> of {insight.title}</span></a>}
        </p>
      </article>
    </li>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return value ? (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  ) : null;
}

function Past({ ended }: { ended: Ended[] }) {
  return (
    <section>
      <h2>What is not raised any more</h2>
      <div class="table" tabIndex={0} role="region" aria-label="What is not raised any more">
        <table>
          <thead>
            <tr>
              {["Insight", "Of", "State", "Raised last", "Fixed since", "Was worth a day"].map((each) => (
                <th key={each} scope="col">{each}</th>
              ))}
            </tr>
          </thead>
          <tbody>
            {ended.map((each, index) => (
              <tr key={index}>
                <th scope="row" class="wrap">{each.title}</th>
                <td class="wrap">{[each.publisher_id, each.agent_id, each.tool].filter(Boolean).join(" / ")}</td>
                <td class="wrap">{each.state === "fixed" ? "fixed" : `not known: ${each.why}`}</td>
                <td>{each.last_raised ? time(each.last_raised) : ""}</td>
                <td>{each.fixed ? time(each.fixed) : ""}</td>
                <td class="number">{each.worth_before_usd_day === null ? "not known" : dollars(each.worth_before_usd_day)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
