import { FieldType, last, nameOf, nothing, shown } from "../meaning.ts";
import type { PanelProps } from "./props.ts";

/** A bar for each series, from its least to the greatest of all. */
export function BarGauge({ panel, frames, theme }: PanelProps) {
  const rows = frames.flatMap((frame) =>
    frame.fields
      .filter((field) => field.type === FieldType.number)
      .map((field) => {
        const value = last(field);
        return { name: nameOf(field, frame, frames), value, least: field.config.min ?? 0, most: field.config.max, ...shown(field, value) };
      }),
  );
  if (rows.length === 0) return <p class="nothing">{nothing(panel, theme).text}</p>;
  const greatest = Math.max(...rows.map((row) => (typeof row.value === "number" && isFinite(row.value) ? row.value : 0)));
  return (
    <table class="bars">
      <caption class="hidden">{panel.title}</caption>
      <tbody>
        {rows.map((row, index) => {
          const most = row.most ?? greatest;
          const share = typeof row.value === "number" && most > row.least ? (row.value - row.least) / (most - row.least) : 0;
          const width = `${Math.round(Math.min(1, Math.max(0, share)) * 1000) / 10}%`;
          return (
            <tr key={index}>
              <th scope="row">{row.name}</th>
              <td class="bar">
                <span class="bar-room">
                  <span class="bar-full" style={{ width, backgroundColor: row.color }} />
                </span>
              </td>
              <td class="number">{row.text}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
