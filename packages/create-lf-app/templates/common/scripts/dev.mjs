// npm run dev: `next dev`, and beside it `lf types --watch`, which checks the sql and writes lf-types.d.ts after every change.
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

const next = start(import.meta.resolve("next/dist/bin/next"), "dev", ...process.argv.slice(2))
const types = start(new URL("cli/bin.js", import.meta.resolve("@lf/next")), "types", "--watch")

// A terminal sends Ctrl+C to both, a process manager to this process alone.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => next.kill(signal))
next.on("exit", (code) => {
  types.kill()
  process.exitCode = code ?? 1
})

function start(program, ...args) {
  return spawn(process.execPath, [fileURLToPath(program), ...args], { stdio: "inherit" })
}
