// Writes the table of npm packages in doc/LICENSES-DEPENDENCIES.md, from the lock file and what npm installed of it: node scripts/licenses.mjs MANUAL.
import { readFileSync, writeFileSync } from "node:fs";

const manual = process.argv[2] ?? "../doc/LICENSES-DEPENDENCIES.md";
const BEGIN = "<!-- npm: begin, written by web/scripts/licenses.mjs -->";
const END = "<!-- npm: end -->";
const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
const rows = new Map();
for (const [place, entry] of Object.entries(lock.packages)) {
  if (!place || entry.optional) {
    continue;
  }
  const name = place.replace(/^.*node_modules\//, "");
  let license = entry.license;
  if (!license) {
    const own = JSON.parse(readFileSync(`${place}/package.json`, "utf8"));
    license = typeof own.license === "string" ? own.license : (own.license?.type ?? own.licenses?.map((l) => l.type).join(" OR ") ?? "not said");
  }
  // typescript comes as somebody's peer and is nothing but a tool.
  const key = `${entry.dev || name === "typescript" ? "building and testing" : "in the console"}|${license}`;
  rows.set(key, [...(rows.get(key) ?? []), `${name} ${entry.version}`]);
}
const sorted = [...rows].sort(([a], [b]) => (a < b ? 1 : -1));
const table = ["| used for | licence | packages |", "|---|---|---|"];
for (const [key, names] of sorted) {
  const [use, license] = key.split("|");
  table.push(`| ${use} | ${license} | ${[...new Set(names)].sort().join(", ")} |`);
}
const text = readFileSync(manual, "utf8");
const from = text.indexOf(BEGIN);
const to = text.indexOf(END);
const head = from < 0 ? `${text.trimEnd()}\n\n## The web console: packages from npm\nIn the versions of \`web/package-lock.json\`. What is in the console is in the files that the edge serves.\n\n` : text.slice(0, from);
const tail = to < 0 ? "\n" : text.slice(to + END.length);
writeFileSync(manual, `${head}${BEGIN}\n${table.join("\n")}\n${END}${tail}`);
