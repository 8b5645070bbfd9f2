export type { MigratedStore } from "./schema.ts"
export { type PostgresStore, type PostgresStoreOptions, postgresStore } from "./store.ts"
