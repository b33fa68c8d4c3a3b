// node src/check.mjs FILE...: says what of dashboards the portal does not draw. Node.js runs the
// TypeScript of subset.ts as it is.
import { readFileSync } from "node:fs";
import { unsupported } from "./subset.ts";

let failed = false;
for (const file of process.argv.slice(2)) {
  for (const each of unsupported(JSON.parse(readFileSync(file, "utf8")))) {
    console.log(`${file}: ${each}`);
    failed = true;
  }
}
process.exit(failed ? 1 : 0);
