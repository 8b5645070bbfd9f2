import type { SqliteModule, VfsDispatch } from "./module.ts"

/**
 * A new instance of wa-sqlite from code that is compiled already: nothing is fetched, so it works whatever became of the
 * network since. `make` is what a build exports; `instantiate` gives its WebAssembly instance these imports.
 */
export function newInstance(
  make: (options: object) => Promise<unknown>,
  instantiate: (imports: object) => Promise<object>,
): Promise<SqliteModule> {
  const shortcut = new Shortcut()
  return new Promise((resolve, reject) => {
    const instantiateWasm = (imports: object, receive: (instance: object) => void) => {
      // Every import of the build is a function, by a short name.
      instantiate(shortcut.into(imports as Imports))
        .then(receive)
        .catch(reject)
      return {}
    }
    // The maker is untyped; module.ts lists what is used of it, and every name was checked.
    make({ instantiateWasm }).then((made) => {
      const module = made as SqliteModule
      module.dispatchVfs = (key, dispatch) => shortcut.dispatch(key, dispatch)
      resolve(module)
    }, reject)
  })
}

type Import = (...args: number[]) => number
type Imports = Record<string, Record<string, Import>>

const NO_KEY = -1

/**
 * Calls the file system without the build's relay, which makes two arrays of the arguments and looks for the target at
 * each of some thirty calls of a transaction.
 */
class Shortcut {
  #key = NO_KEY
  #dispatch: VfsDispatch = () => 0

  dispatch(key: number, dispatch: VfsDispatch): void {
    this.#key = key
    this.#dispatch = dispatch
  }

  /** The relay's functions are those that declare no parameters and get a key first; what has another key goes on to them. */
  into(imports: Imports): Imports {
    const wrapped: Imports = {}
    for (const [module, functions] of Object.entries(imports)) {
      wrapped[module] = {}
      for (const [name, one] of Object.entries(functions)) {
        wrapped[module][name] = typeof one === "function" && one.length === 0 ? this.#around(one) : one
      }
    }
    return wrapped
  }

  #around(relay: Import): Import {
    return (key, name, a, b, c, d, e, f) =>
      key === this.#key ? this.#dispatch(name, a, b, c, d, e) : relay(key, name, a, b, c, d, e, f)
  }
}
