/** Many pieces of bytes as one parameter, and where each begins, from 1: arrays of bytea travel as text in hex, twice as long. */
export function oneParameter(pieces: readonly Uint8Array[]): { bytes: Buffer; starts: number[]; lengths: number[] } {
  const starts: number[] = []
  let end = 1
  for (const { length } of pieces) {
    starts.push(end)
    end += length
  }
  return { bytes: Buffer.concat(pieces), starts, lengths: pieces.map(({ length }) => length) }
}
