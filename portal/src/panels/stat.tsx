import { legible } from "../colours.ts";
import { FieldType, last, nothing, shown } from "../meaning.ts";
import type { PanelProps } from "./props.ts";

/** One number, or one below the other. */
export function Stat({ panel, frames, theme }: PanelProps) {
  const values = frames.flatMap((frame) =>
    frame.fields.filter((field) => field.type === FieldType.number).map((field) => shown(field, last(field))),
  );
  const drawn = values.length > 0 ? values : [nothing(panel, theme)];
  return (
    <div class="stat">
      {drawn.map((value, index) => {
        const text = value.text || nothing(panel, theme).text;
        return (
          <div key={index} class={/\d/.test(text) ? "stat-value" : "stat-value stat-words"} style={value.color ? { color: legible(value.color, theme) } : {}}>
            {text}
          </div>
        );
      })}
    </div>
  );
}
