import { FieldType, last, nothing, shown } from "../meaning.ts";
import type { PanelProps } from "./props.ts";

/** One number, or one below the other. */
export function Stat({ panel, frames, theme }: PanelProps) {
  const values = frames.flatMap((frame) =>
    frame.fields.filter((field) => field.type === FieldType.number).map((field) => shown(field, last(field))),
  );
  const told = values.length > 0 ? values : [nothing(panel, theme)];
  return (
    <div class="stat">
      {told.map((value, index) => (
        <div key={index} class="stat-value" style={value.color ? { color: value.color } : {}}>
          {value.text || nothing(panel, theme).text}
        </div>
      ))}
    </div>
  );
}
