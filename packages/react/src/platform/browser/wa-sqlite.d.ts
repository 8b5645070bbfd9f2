declare module "wa-sqlite/dist/wa-sqlite.mjs" {
  const factory: (options?: object) => Promise<unknown>
  export default factory
}
