export type { Rebalanced, RebalanceOptions } from "./rebalance.ts"
export type { MigratedStore } from "./schema.ts"
export { type PostgresStore, type PostgresStoreOptions, postgresStore } from "./store.ts"
export { type StoreVersion, storeVersions } from "./store-versions.ts"
