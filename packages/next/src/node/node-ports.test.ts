import { hostContract } from "../../../core/src/testing/host-contract.ts"
import { sqliteContract } from "../../../core/src/testing/sqlite-contract.ts"
import { loadSqlite } from "./load-sqlite.ts"
import { nodeHost } from "./node-host.ts"

hostContract("node", () => ({ host: nodeHost, pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) }))
sqliteContract("node", loadSqlite)
