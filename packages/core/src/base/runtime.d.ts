// The few globals that every runtime has and that core may use. Neither the DOM's nor Node's types are visible here:
// what is not in this list does not compile, and that is how core stays runnable anywhere.

declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>
  encodeInto(text: string, into: Uint8Array): { read: number; written: number }
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean })
  decode(bytes: Uint8Array): string
}
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module, imports?: object)
    readonly exports: Record<string, unknown>
  }
  class RuntimeError extends Error {}
  function instantiate(module: Module, imports?: object): Promise<Instance>
}
