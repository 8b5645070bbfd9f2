/** Pages in order: an array, or a snapshot that shares its parts with others. */
export interface PageList extends Iterable<Uint8Array> {
  readonly length: number
  at(index: number): Uint8Array | undefined
}
