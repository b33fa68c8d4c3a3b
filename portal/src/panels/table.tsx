import { useState } from "preact/hooks";
import { FieldType, nameOf, shown, type DataFrame, type Field } from "../meaning.ts";
import { legible, on } from "../colours.ts";
import { ofCell, ofColumn } from "../links.ts";
import type { PanelProps } from "./props.ts";

interface Column {
  name: string;
  field: Field;
  width: number | undefined;
  cell: string;
  wrap: boolean;
}

interface Sort {
  column: string;
  descending: boolean;
}

const plain = (value: unknown): string | number => (typeof value === "number" ? value : String(value ?? ""));

function order(frame: DataFrame, columns: Column[], sort: Sort | undefined): number[] {
  const rows = Array.from({ length: frame.length }, (_, index) => index);
  const by = columns.find((column) => column.name === sort?.column);
  if (!by || !sort) return rows;
  const values = by.field.values;
  return rows.sort((one, other) => {
    const [a, b] = [plain(values[one]), plain(values[other])];
    // What is no number comes last, however numbers are sorted.
    const [none, others] = [typeof a === "number" && isNaN(a), typeof b === "number" && isNaN(b)];
    if (none || others) return Number(none) - Number(others);
    const compared =
      typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
    return sort.descending ? -compared : compared;
  });
}

export function Table({ panel, frames, theme, where }: PanelProps) {
  const given = (panel.options?.["sortBy"] as { displayName: string; desc?: boolean }[] | undefined)?.[0];
  const [sort, setSort] = useState<Sort | undefined>(
    given && { column: given.displayName, descending: Boolean(given.desc) },
  );
  const frame = frames[0];
  if (!frame || frame.length === 0) return <p class="nothing">No data</p>;
  const columns: Column[] = frame.fields.map((field) => {
    const custom = (field.config.custom ?? {}) as { width?: number; wrapText?: boolean; cellOptions?: { type?: string; wrapText?: boolean } };
    return {
      name: nameOf(field, frame, frames),
      field,
      width: custom.width,
      cell: custom.cellOptions?.type ?? "auto",
      wrap: Boolean(custom.wrapText ?? custom.cellOptions?.wrapText),
    };
  });
  const rows = order(frame, columns, sort);
  return (
    <div class="table" tabIndex={0} role="region" aria-label={`${panel.title}, table`}>
      <table>
        <caption class="hidden">{panel.title}</caption>
        <thead>
          <tr>
            {columns.map((column) => {
              const sorted = sort?.column === column.name;
              return (
                <th
                  key={column.name}
                  scope="col"
                  class={column.field.type === FieldType.number ? "number" : ""}
                  style={column.width ? { width: `${column.width}px` } : {}}
                  aria-sort={sorted ? (sort.descending ? "descending" : "ascending") : "none"}
                >
                  <button
                    type="button"
                    class="sort"
                    onClick={() => setSort({ column: column.name, descending: sorted ? !sort.descending : column.field.type === FieldType.number })}
                  >
                    {column.name}
                    <span aria-hidden="true">{sorted ? (sort.descending ? " ↓" : " ↑") : ""}</span>
                  </button>
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const texts = Object.fromEntries(columns.map((column) => [column.name, String(column.field.values[row] ?? "")]));
            return (
              <tr key={row}>
                {columns.map((column) => {
                  const value: unknown = column.field.values[row];
                  const { text, color } = shown(column.field, value);
                  const link = ofColumn(panel, column.name);
                  const url = link && ofCell(link, String(value ?? ""), texts, where);
                  const filled = column.cell === "color-background" && color !== "" && text !== "";
                  const style = filled
                    ? { backgroundColor: color, color: on(color) }
                    : column.cell === "color-text" && color
                      ? { color: legible(color, theme) }
                      : {};
                  const classes = [column.field.type === FieldType.number ? "number" : "", column.wrap ? "wrap" : ""];
                  return (
                    <td key={column.name} class={classes.join(" ").trim()} style={style} data-label={column.name}>
                      {url && text ? (
                        <a href={url} title={link.title}>
                          {text}
                        </a>
                      ) : (
                        text
                      )}
                    </td>
                  );
                })}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
