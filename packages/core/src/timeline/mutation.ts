import { assert } from "../base/assert.ts"
import { ByteReader, ByteWriter, textToBytes } from "../base/bytes.ts"
import { LfError } from "../base/error.ts"
import { readPlain, writePlain } from "../base/plain.ts"

/** One mutation's entry may have this many bytes: four of them fit one frame. */
export const MUTATION_BYTES_MAX = 256 * 1024
export const MUTATION_NAME_BYTES_MAX = 128

/** A timeline's entry: one call of a mutation. The same bytes on the client and at the server, so that their hashes agree. */
export interface Mutation {
  /** UUID, given once, when the mutation is made: the name under which it is found everywhere. */
  readonly uid: string
  readonly name: string
  /** The schema's input, as the component gave it. */
  readonly args: unknown
  /** The client's clock when it was made, milliseconds since 1970. */
  readonly at: number
}

const FORMAT = 1
const UID = /^[0-9a-f-]{36}$/

/** The bytes of mutations that `asSent` made: they are appended next, and need not be encoded again. */
const encoded = new WeakMap<Mutation, Uint8Array>()

/** A mutation as the wire will carry it, without what its caller still holds. @throws as `mutationCodec.encode` */
export function asSent(mutation: Mutation): Mutation {
  const bytes = mutationCodec.encode(mutation)
  const sent = mutationCodec.decode(bytes)
  encoded.set(sent, bytes)
  return sent
}

export const mutationCodec = {
  /**
   * Encodes exactly what `decode` takes (T35).
   * @throws MUTATION_ARGS_INVALID MUTATION_TOO_LARGE
   */
  encode(mutation: Mutation): Uint8Array {
    const known = encoded.get(mutation)
    if (known !== undefined) return known
    const { uid, name, args, at } = mutation
    assert(UID.test(uid), "a mutation's uid is a UUID")
    assert(textToBytes(name).length <= MUTATION_NAME_BYTES_MAX, "a mutation's name has its limit")
    assert(Number.isFinite(at), "a mutation's time is a number")
    const writer = new ByteWriter(128).u8(FORMAT).text(uid).f64(at).text(name)
    writePlain(writer, args)
    if (writer.length > MUTATION_BYTES_MAX) {
      throw new LfError(
        "MUTATION_TOO_LARGE",
        `${name}: expected at most ${MUTATION_BYTES_MAX} bytes, got ${writer.length}`,
      )
    }
    return writer.end()
  },

  /** The name alone, without a look at the arguments. @throws BYTES_MALFORMED */
  nameOf(bytes: Uint8Array): string {
    return readHead(bytes, new ByteReader(bytes)).name
  },

  /** @throws BYTES_MALFORMED */
  decode(bytes: Uint8Array): Mutation {
    const reader = new ByteReader(bytes)
    const { uid, at, name } = readHead(bytes, reader)
    const args = readPlain(reader)
    reader.end()
    return { uid, name, args, at }
  },
}

function readHead(bytes: Uint8Array, reader: ByteReader): Omit<Mutation, "args"> {
  if (bytes.length > MUTATION_BYTES_MAX)
    throw new LfError(
      "BYTES_MALFORMED",
      `expected a mutation of at most ${MUTATION_BYTES_MAX} bytes, got ${bytes.length}`,
    )
  if (reader.u8() !== FORMAT) throw new LfError("BYTES_MALFORMED", "unknown format of a mutation")
  const uid = reader.text(36)
  if (!UID.test(uid)) throw new LfError("BYTES_MALFORMED", "a mutation's uid is not a UUID")
  const at = reader.f64()
  if (!Number.isFinite(at)) throw new LfError("BYTES_MALFORMED", "a mutation's time is not a number")
  return { uid, at, name: reader.text(MUTATION_NAME_BYTES_MAX) }
}
