export { type MigratedStore, migrateStore, STORE_VERSION } from "./schema.ts"
export { type PostgresStore, type PostgresStoreOptions, postgresStore } from "./store.ts"
