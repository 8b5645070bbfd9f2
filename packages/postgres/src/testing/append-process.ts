// Appends to one document until it is killed: "started", then a line for each step (append-loop.ts of @lf/next).
import { appendUntilStopped, patiently } from "../../../next/src/testing/append-loop.ts"
import { postgresStore } from "../store.ts"

const [connectionString, doc] = process.argv.slice(2)
const say = (line: string | number) => process.stdout.write(`${line}\n`)
const store = postgresStore({ connectionString, ownerWaitMs: 0 })
say("started")
await appendUntilStopped(await patiently(() => store.open(doc)), say)
