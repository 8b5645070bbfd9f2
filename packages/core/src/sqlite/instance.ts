import type { SqliteModule } from "./module.ts"

/**
 * A new instance of wa-sqlite from code that is compiled already: nothing is fetched, so it works whatever became of the
 * network since. `make` is what a build exports; `instantiate` gives its WebAssembly instance these imports.
 */
export function newInstance(
  make: (options: object) => Promise<unknown>,
  instantiate: (imports: object) => Promise<object>,
): Promise<SqliteModule> {
  return new Promise((resolve, reject) => {
    const instantiateWasm = (imports: object, receive: (instance: object) => void) => {
      instantiate(imports).then(receive).catch(reject)
      return {}
    }
    // The maker is untyped; module.ts lists what is used of it, and every name was checked.
    make({ instantiateWasm }).then((made) => resolve(made as SqliteModule), reject)
  })
}
