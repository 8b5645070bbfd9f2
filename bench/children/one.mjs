// node children/one.mjs <name> [--quick], started by run.mjs: sends the rows of one benchmark.
import { loadChecksum } from "@lf/core/internal"
import { answer } from "../apart.mjs"

const [name, flag] = process.argv.slice(2)
await loadChecksum()
const { run } = await import(`../${name}.mjs`)
answer(await run({ quick: flag === "--quick" }))
