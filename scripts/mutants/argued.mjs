// Mutants that no test can notice, or that are no fault: each with its reason. They do not count. A mutant is named by its
// file, how the line begins in which it begins, what it replaces and by what. One that is named here and noticed fails the run.

const core = "packages/core/src"
const sameCode = "Whatever ends the reading of a body leaves as LOG_CORRUPT: only the sentence differs."

/** @type {[file: string, line: string, from: string, to: string, why: string][]} */
export const argued = [
  [
    `${core}/journal/log-header.ts`,
    "const all = new ByteWriter(",
    "FIXED_BYTES + body.length + HASH_BYTES",
    "FIXED_BYTES + body.length - HASH_BYTES",
    "A writer's first size: it grows when it must.",
  ],
  [
    `${core}/journal/memory-log.ts`,
    "constructor(sync: ",
    "() => Promise.resolve()",
    "() => undefined",
    "It is awaited: both take one turn of the microtask queue.",
  ],
  [
    `${core}/journal/plain-entry.ts`,
    "} catch (cause) {",
    '{ throw new LfError("LOG_CORRUPT", "an entry is not plain data", { cause }) }',
    "{}",
    "Its result is undefined then, which the caller refuses with the same code.",
  ],
  [
    `${core}/journal/record.ts`,
    "if (count * RECORD_BYTES_MIN > body.length)",
    "count * RECORD_BYTES_MIN > body.length",
    "false",
    "Only sooner: the first record that is not there ends the body with the same code.",
  ],
  [
    `${core}/journal/record.ts`,
    "if (count * RECORD_BYTES_MIN > body.length)",
    "count * RECORD_BYTES_MIN",
    "count / RECORD_BYTES_MIN",
    "Only sooner: the first record that is not there ends the body with the same code.",
  ],
  [`${core}/journal/record.ts`, "if (count * RECORD_BYTES_MIN > body.length)", '"LOG_CORRUPT"', '""', sameCode],
  [`${core}/journal/record.ts`, "if (isLfError(cause) && ", '"LOG_CORRUPT"', '""', sameCode],
  [
    `${core}/journal/record.ts`,
    "if (isLfError(cause) && ",
    'isLfError(cause) && cause.code === "LOG_CORRUPT"',
    "false",
    sameCode,
  ],
  [`${core}/journal/record.ts`, "if (type !== TYPE_ENTRY && ", '"LOG_CORRUPT"', '""', sameCode],
  [`${core}/journal/record.ts`, 'if (stream === "")', '"LOG_CORRUPT"', '""', sameCode],
  [
    `${core}/journal/streams.ts`,
    'return this.#enqueue("rollup"',
    '"rollup"',
    '""',
    "All that is asked of a job's type is whether it is an append.",
  ],
]

/** Why a mutant does not count; undefined: it counts. */
export function argumentFor(mutant) {
  const isMeant = ([file, line, from, to]) =>
    mutant.file === file && mutant.line.startsWith(line) && flat(mutant.from) === from && flat(mutant.to) === to
  return argued.find(isMeant)?.at(-1)
}

/** Code on one line, so that its layout does not count. */
export function flat(code) {
  return code.replaceAll(/\s+/g, " ").trim()
}
