// The ports of Node, for tests, benchmarks and scripts that run clients or documents outside a server.
export { openFsLog } from "./fs-log.ts"
export { vmGuard } from "./guard.ts"
export { loadSqlite } from "./load-sqlite.ts"
export { nodeHost } from "./node-host.ts"
export { type WsNetworkOptions, wsNetwork } from "./ws-network.ts"
