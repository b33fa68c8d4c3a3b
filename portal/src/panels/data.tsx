import { useState } from "preact/hooks";
import { FieldType, nameOf, shown, type DataFrame } from "../meaning.ts";
import { utc } from "../time.ts";
import type { PanelProps } from "./props.ts";

/** Most rows that are shown; a chart of a wide screen has more points than anybody reads. */
const MOST_ROWS = 500;

interface Row {
  at: number;
  texts: string[];
}

function rowsOf(frames: DataFrame[]): { names: string[]; rows: Row[] } {
  const columns = frames.flatMap((frame) => {
    const time = frame.fields.find((field) => field.type === FieldType.time);
    return frame.fields
      .filter((field) => field.type === FieldType.number)
      .map((field) => ({
        name: nameOf(field, frame, frames),
        field,
        at: new Map((time?.values ?? []).map((at: number, index: number) => [at, index])),
      }));
  });
  const times = [...new Set(columns.flatMap((column) => [...column.at.keys()]))].sort((one, other) => other - one);
  const rows = times.map((at) => ({
    at,
    texts: columns.map(({ field, at: where }) => {
      const index = where.get(at);
      const value: unknown = index === undefined ? null : field.values[index];
      return value === null || value === undefined ? "" : shown(field, value).text;
    }),
  }));
  return { names: columns.map((column) => column.name), rows: rows.filter((row) => row.texts.some((text) => text !== "")) };
}

/** The numbers behind a chart, and what is marked in it, as tables; the latest first. */
export function Data(props: PanelProps) {
  const [open, setOpen] = useState(false);
  return (
    <details class="data" onToggle={(event) => setOpen((event.currentTarget as HTMLDetailsElement).open)}>
      <summary>
        Numbers<span class="hidden"> of {props.panel.title}</span>
      </summary>
      {open && <Tables {...props} />}
    </details>
  );
}

function Tables({ panel, frames, marks, exemplars }: PanelProps) {
  const { names, rows } = rowsOf(frames);
  return (
    <div class="table" tabIndex={0} role="region" aria-label={`Numbers of ${panel.title}`}>
      <table>
        <caption>
          {rows.length > MOST_ROWS ? `The latest ${MOST_ROWS} of ${rows.length} points` : `${rows.length} points`}
        </caption>
        <thead>
          <tr>
            <th scope="col">Time (UTC)</th>
            {names.map((name, index) => (
              <th key={index} scope="col" class="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MOST_ROWS).map((row) => (
            <tr key={row.at}>
              <th scope="row">{utc(row.at)}</th>
              {row.texts.map((text, index) => (
                <td key={index} class="number">
                  {text}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {marks.length > 0 && (
        <table>
          <caption>Marked in the chart</caption>
          <tbody>
            {marks.map((mark, index) => (
              <tr key={index}>
                <th scope="row">{utc(mark.from * 1000)}</th>
                <td>{mark.name}</td>
                <td>{mark.title}</td>
                <td>{mark.text}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {exemplars.length > 0 && (
        <table>
          <caption>Single calls</caption>
          <tbody>
            {exemplars.slice(0, MOST_ROWS).map((each, index) => (
              <tr key={index}>
                <th scope="row">{utc(each.timestamp * 1000)}</th>
                <td class="number">{each.value}</td>
                <td>trace {each.labels["trace_id"] ?? "not known"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </div>
  );
}
