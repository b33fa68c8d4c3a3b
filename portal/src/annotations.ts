/** What annotations mark: stretches in which a series of theirs has samples. */

import type { Answer, Labels, Look } from "./api.ts";
import type { Annotation, Dashboard } from "./model.ts";
import type { Mark } from "./panels/props.ts";

function put(format: string | undefined, labels: Labels): string {
  return (format ?? "").replace(/\{\{\s*([^}\s]+)\s*\}\}/g, (_all, label: string) => labels[label] ?? "").trim();
}

export function marksOf(annotation: Annotation, answer: Answer): Mark[] {
  const found: Mark[] = [];
  for (const series of answer.result) {
    let open: Mark | undefined;
    for (const [at] of series.values ?? []) {
      if (open && at - open.to <= answer.step * 1.5) {
        open.to = at;
        continue;
      }
      open = {
        name: annotation.name,
        color: annotation.iconColor,
        from: at,
        to: at,
        title: put(annotation.titleFormat, series.metric),
        text: put(annotation.textFormat, series.metric),
      };
      found.push(open);
    }
  }
  return found.sort((one, other) => other.from - one.from);
}

/** Everything that a dashboard marks; an annotation that cannot be asked is said by its error. */
export async function marks(dashboard: Dashboard, look: Look): Promise<Mark[]> {
  const each = dashboard.annotations.list.filter((annotation) => annotation.enable && annotation.expr);
  const found = await Promise.all(
    each.map(async (annotation) =>
      marksOf(annotation, await look.ask<Answer>("annotation", { name: annotation.name, points: 500 }, annotation.name)),
    ),
  );
  return found.flat();
}
