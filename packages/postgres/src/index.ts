export { type MigratedStore, migrateStore, STORE_VERSION } from "./schema.ts"
export { openPostgresStore, type PostgresStore, type PostgresStoreOptions, type StoredDocument } from "./store.ts"
