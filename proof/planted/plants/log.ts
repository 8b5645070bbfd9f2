// Faults in the log and its records.
import type { Plant } from "./plant.ts"

export const log: readonly Plant[] = [
  {
    name: "accept a gap",
    edits: [
      {
        file: "journal/chain.ts",
        find: `    if (batch.from > last) return { type: "gap", expected: last }`,
        replace: `    if (batch.from > last) {
      for (const bytes of batch.entries) this.append(ownBytes(bytes))
      return { type: "written", lsn: lsnAfter(batch.from, batch.entries.length) }
    }`,
      },
    ],
  },
  {
    name: "torn record accepted",
    edits: [
      {
        file: "journal/record.ts",
        find: `    if (header === undefined || !isBodyWhole(bytes, header)) {`,
        replace: `    if (header === undefined) {`,
      },
      {
        file: "journal/record.ts",
        find: `    readBody(bytes.subarray(header.bodyAt, header.endAt), header.count, records)
    lastGroupAt = at`,
        replace: `    try {
      readBody(bytes.subarray(header.bodyAt, header.endAt), header.count, records)
    } catch {}
    lastGroupAt = at`,
      },
      {
        file: "journal/record.ts",
        find: `    at = header.endAt
`,
        replace: `    at = Math.min(header.endAt, bytes.length)
`,
      },
    ],
  },
  {
    name: "a failed fsync is ignored",
    edits: [
      {
        file: "journal/streams.ts",
        find: `        this.#failure = error
        for (const waiting of this.#jobs.splice(0)) waiting.settle(error)
        break`,
        replace: `        job.settle(null)
        this.#jobs.shift()
        continue`,
      },
    ],
  },
  {
    name: "checkpoint before journal",
    edits: [
      {
        file: "journal/streams.ts",
        find: `    this.#pending = []
    this.#bytesSinceRollup = 0
`,
        replace: `    const late = this.#pending
    const kept = live.filter((one) => !late.some(({ stream, lsn }) => stream === one.stream && lsn === one.lsn))
    live.splice(0, live.length, ...kept)
    this.#bytesSinceRollup = 0
`,
      },
    ],
  },
  {
    name: "a deposed owner goes on writing",
    edits: [
      {
        file: "journal/memory-log.ts",
        find: `    doc.owner?.end(new LfError("LOG_DEPOSED", \`\${docId} has another owner\`))
`,
        replace: ``,
      },
    ],
  },
  {
    name: "a flipped bit goes unnoticed",
    edits: [
      {
        file: "journal/record.ts",
        find: `  return hash64(bytes.subarray(header.bodyAt, header.endAt)) === header.bodyHash`,
        replace: `  return true`,
      },
    ],
  },
]
