import type { Exemplar } from "../api.ts";
import type { Where } from "../links.ts";
import type { DataFrame, GrafanaTheme2 } from "../meaning.ts";
import type { Panel } from "../model.ts";

/** When something happened that charts mark. */
export interface Mark {
  name: string;
  color: string;
  from: number;
  to: number;
  title: string;
  text: string;
}

/** What every kind of panel is drawn from. */
export interface PanelProps {
  panel: Panel;
  frames: DataFrame[];
  theme: GrafanaTheme2;
  where: Where;
  /** From when to when, in seconds since 1970. */
  span: { from: number; to: number };
  marks: Mark[];
  exemplars: Exemplar[];
}
