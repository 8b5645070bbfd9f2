// npm run bench [-- name… --quick --page]: runs the benchmarks of BENCH's table that exist, each in a process of its own,
// prints it and writes bench/results.json, with --page docs/performance.md as well. With names the file's other rows stay.
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { apart } from "./apart.mjs"
import { meets } from "./measure.mjs"

const all = [
  ...[
    "engine",
    "wire",
    "rerun",
    "rebase",
    "local-visible",
    "tracker",
    "catch-up",
    "editing-trace",
    "reopen",
    "footprint",
  ],
  ...[
    "server-cpu",
    "server-throughput",
    "fan-out",
    "first-sync",
    "remote-visible",
    "stall",
    "documents",
    "big-documents",
    "postgres",
    "relay",
    "relay-readers",
  ],
  ...["local-visible-web", "local-durable-web", "reopen-web", "first-sync-web", "growth"],
]
const args = process.argv.slice(2)
const quick = args.includes("--quick")
const names = args.filter((arg) => !arg.startsWith("--"))
const unknown = names.filter((name) => !all.includes(name))
if (unknown.length > 0) {
  process.stderr.write(`There is no benchmark ${unknown.join(", ")}; there are ${all.join(", ")}.\n`)
  process.exit(1)
}

const results = []
const kept = names.length === 0 ? [] : readRows("results.json").filter(({ name }) => !names.includes(name))
for (const name of names.length > 0 ? names : all) {
  const startedMs = performance.now()
  results.push(...(await apart("./children/one.mjs", [name, ...(quick ? ["--quick"] : [])])))
  process.stderr.write(`${name}: ${((performance.now() - startedMs) / 1000).toFixed(1)} s\n`)
  // After each: one that fails takes only itself.
  const written = [...kept, ...results].sort((a, b) => all.indexOf(a.name) - all.indexOf(b.name))
  writeFileSync(new URL("./results.json", import.meta.url), `${JSON.stringify(written, null, 2)}\n`)
}
print(results)
if (args.includes("--page")) {
  const { writePage } = await import("./page.mjs")
  await writePage()
}
if (!quick && names.length === 0) compareWithBaseline(results)

function print(rows) {
  const header = ["name", "variant", "value", "peer", "peer value", "ratio", "goal", ""]
  const cells = rows.map((one) => [
    one.name,
    one.variant,
    `${one.value} ${one.unit}`,
    one.peer,
    String(one.peerValue),
    String(one.ratio),
    one.goal ?? "",
    meets(one),
  ])
  const widths = header.map((title, i) => Math.max(title.length, ...cells.map((line) => line[i].length)))
  for (const line of [header, ...cells])
    process.stdout.write(
      `${line
        .map((cell, i) => cell.padEnd(widths[i]))
        .join("  ")
        .trimEnd()}\n`,
    )
}

/** Counts are the same on every machine, so they are compared exactly; ratios may move by a quarter. */
function compareWithBaseline(rows) {
  const baseline = readRows("baseline.json")
  if (baseline.length === 0) process.stdout.write("there is no bench/baseline.json to compare with\n")
  for (const one of rows) {
    const before = baseline.find(({ name, variant }) => name === one.name && variant === one.variant)
    if (before === undefined) continue
    if (JSON.stringify(before.counts) !== JSON.stringify(one.counts)) {
      process.stdout.write(
        `${one.name} ${one.variant}: counts were ${JSON.stringify(before.counts)}, are ${JSON.stringify(one.counts)}\n`,
      )
    }
    if (Math.abs(one.ratio / before.ratio - 1) > 0.25)
      process.stdout.write(`${one.name} ${one.variant}: ratio was ${before.ratio}, is ${one.ratio}\n`)
  }
}

function readRows(file) {
  const url = new URL(`./${file}`, import.meta.url)
  return existsSync(url) ? JSON.parse(readFileSync(url, "utf8")) : []
}
