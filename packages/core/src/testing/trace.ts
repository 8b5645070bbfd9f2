import { bytesToHex, textToBytes } from "../base/bytes.ts"
import { chainHash } from "../base/checksum.ts"

/** Everything that happened in a run, folded into one hash: equal hashes are equal runs. */
export class Trace {
  readonly #print: ((line: string) => void) | null
  #hash = 0n

  constructor(print: ((line: string) => void) | null = null) {
    this.#print = print
  }

  note(line: string): void {
    this.#hash = chainHash(this.#hash, textToBytes(line))
    this.#print?.(line)
  }

  get hash(): string {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setBigUint64(0, this.#hash)
    return bytesToHex(bytes)
  }
}
