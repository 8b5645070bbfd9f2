// Mutants that no test can detect, or that are no fault: each with its reason. They do not count. A mutant is named by its
// file, how the line begins in which it begins, what it replaces and by what. One that is named here and detected fails the run.

const core = "packages/core/src"
const next = "packages/next/src"
const onlySooner = "Only sooner: without it the same comes out."
const sentence = "A sentence for people: the code beside it is what counts."
const nameIsThere = "Without a name the code is known already, and this is not reached."
const sameCode = "Whatever ends the reading of a body leaves as LOG_CORRUPT: only the sentence differs."

const eitherSide = "Only faster: a page that is in both is found from either side."
const openedAnew = "Only slower or faster: SQLite looks at the cookie itself, and what is opened anew reads the same."

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
  [
    `${core}/local/live-query.ts`,
    "const [few, many] = changed.size",
    "changed.size < this.#pages.size",
    "true",
    eitherSide,
  ],
  [
    `${core}/local/live-query.ts`,
    "const [few, many] = changed.size",
    "changed.size < this.#pages.size",
    "false",
    eitherSide,
  ],
  [
    `${core}/local/live-query.ts`,
    "const [few, many] = changed.size",
    "changed.size < this.#pages.size",
    "changed.size <= this.#pages.size",
    eitherSide,
  ],
  [
    `${core}/local/live-query.ts`,
    "const [few, many] = changed.size",
    "changed.size < this.#pages.size",
    "changed.size >= this.#pages.size",
    eitherSide,
  ],
  [
    `${core}/local/live-query.ts`,
    "#asksClock = false",
    "false",
    "true",
    "A run sets it with its rows, before it is read.",
  ],
  [`${core}/local/view.ts`, "#schemaIsLocal = false", "false", "true", openedAnew],
  [`${core}/local/view.ts`, "this.#schemaIsLocal = false", "false", "true", openedAnew],
  [
    `${core}/local/view.ts`,
    "if (this.#schemaIsLocal || isWhole",
    "this.#schemaIsLocal || isWhole || this.#cookie() !== before",
    "true",
    openedAnew,
  ],
  [`${core}/local/view.ts`, "if (this.#schemaIsLocal || isWhole", "this.#cookie() !== before", "false", openedAnew],
  [
    `${core}/local/view.ts`,
    "if (this.#schemaIsLocal || isWhole",
    "this.#cookie() !== before",
    "this.#cookie() === before",
    openedAnew,
  ],
  [`${core}/local/view.ts`, "#cookie(): number {", "{ return schemaCookie(this.#storage.page(1)) }", "{}", openedAnew],
  [`${core}/remote/crash-quarantine.ts`, "if (this.#begun.size === 0)", "this.#begun.size === 0", "false", onlySooner],
  [
    `${core}/remote/client-list.ts`,
    "if (position > this.seen(clientId))",
    "position > this.seen(clientId)",
    "position >= this.seen(clientId)",
    "Sets what is there already.",
  ],
  [`${core}/remote/refused-ranges.ts`, "code = isMutation(name", '""', '"Stryker was here!"', nameIsThere],
  [`${core}/remote/refused-ranges.ts`, "codes.set(name", '""', '"Stryker was here!"', nameIsThere],
  [
    `${core}/remote/server-mutations.ts`,
    "if (this.#waiting.size === 0)",
    "this.#waiting.size === 0",
    "false",
    onlySooner,
  ],
  [`${core}/remote/remote.ts`, "this.#connected.refuseAll(", '"the server is shutting down"', '""', sentence],
  [`${core}/remote/remote.ts`, "this.#connected.refuseAll(", '"the document stopped"', '""', sentence],
  [
    `${core}/remote/connected-clients.ts`,
    "client.refuse(",
    '"this client id is bound to another user"',
    '""',
    sentence,
  ],
  [`${core}/remote/step-runner.ts`, "if (this.#suspects.size === 0)", "this.#suspects.size === 0", "false", onlySooner],
  [
    `${core}/remote/step-runner.ts`,
    "if (hash === undefined) return unreachable",
    "hash === undefined",
    "false",
    "A claim about our own code (docs/unreachable.md).",
  ],
  [
    `${next}/http/client-address.ts`,
    'if (typeof count === "number"',
    'typeof count === "number"',
    "true",
    "Number.isInteger asks the same.",
  ],
  [
    `${next}/limits/fair-queue.ts`,
    "resolve?.()",
    "resolve?.()",
    "resolve()",
    "A queue is in the map only while something is in it.",
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
