// Single-character edits of a long text: a mutation each on a text column in chunks, deltas and frames included, against
// Yjs with its updates. Mostly typing on, 5 % jumps, 5 % deletes. CPU per edit, and bytes to another client.
import { deflateRawSync } from "node:zlib"
import { defineMutation, defineMutator, sql } from "@lf/core"
import { loadChecksum } from "@lf/core/internal"
import { encodeWhole } from "@lf/core/testing"
import * as Y from "yjs"
import { Database } from "../packages/core/dist/sqlite/database.js"
import { Storage } from "../packages/core/dist/storage/storage.js"
import { migrate } from "../packages/core/dist/timeline/schema.js"
import { loadSqlite } from "../packages/next/dist/node/load-sqlite.js"
import { cpuMicros, row } from "./measure.mjs"
import { frameOf, mutationOf, step } from "./server-step.mjs"
import { random } from "./todos.mjs"

/** A chunk that grew to this many characters is split in two halves. */
const CHUNK_CHARS_MAX = 1_000
/** Edits before the other side has its turn. */
const TURN = 2_560
const LETTERS = "etaoin shrdlu cmfwyp vbgkjq xz"

const anything = { "~standard": { version: 1, vendor: "bench", validate: (value) => ({ value }) } }
const half = CHUNK_CHARS_MAX / 2

const Insert = defineMutation("Insert", anything, (tx, { id, at, text, split }) => {
  tx.run(sql`update chunks set body = substr(body, 1, ${at}) || ${text} || substr(body, ${at + 1}) where id = ${id}`)
  if (split === undefined) return
  tx.run(
    sql`insert into chunks select ${split.id}, ${split.place}, substr(body, ${half + 1}) from chunks where id = ${id}`,
  )
  tx.run(sql`update chunks set body = substr(body, 1, ${half}) where id = ${id}`)
})
const Delete = defineMutation("Delete", anything, (tx, { id, at }) => {
  tx.run(sql`update chunks set body = substr(body, 1, ${at}) || substr(body, ${at + 2}) where id = ${id}`)
})
const mutator = defineMutator({
  migrations: [
    sql`create table chunks (id integer primary key, place real not null, body text not null) strict`,
    sql`insert into chunks values (0, 0, '')`,
  ],
  mutations: [Insert, Delete],
})

export async function run({ quick }) {
  await loadChecksum()
  const edits = trace(quick ? 20_000 : 260_000)
  const results = []
  for (const stepSize of [1, 256]) results.push(...(await compare(edits, stepSize)))
  return results
}

async function compare(edits, stepSize) {
  const storage = new Storage()
  const db = new Database(await loadSqlite(), storage)
  migrate(db, mutator)
  storage.commit()
  const doc = new Y.Doc()
  // Its id is random and 5 bytes of nearly every update: 15 of 16 have this length.
  doc.clientID = 4_000_000_000
  const text = doc.getText("text")
  const bytes = { ours: 0, theirs: 0 }
  doc.on("update", (update) => {
    bytes.theirs += update.length
  })
  const micros = { ours: 0, theirs: 0 }
  for (let from = 0; from < edits.length; from += TURN) {
    const turn = edits.slice(from, from + TURN)
    const groups = []
    for (let i = 0; i < turn.length; i += stepSize) groups.push(turn.slice(i, i + stepSize))
    let position = from
    micros.ours += cpuMicros(() => {
      for (const group of groups) {
        const mutations = group.map(({ name, args }, i) => mutationOf(position + i + 1, name, args))
        position += group.length
        bytes.ours += frameOf(step({ db, storage, mutator }, mutations, position), position).length
      }
    })
    micros.theirs += cpuMicros(() => {
      for (const group of groups)
        doc.transact(() => {
          for (const { index, character } of group)
            if (character === undefined) text.delete(index, 1)
            else text.insert(index, character)
        })
    })
  }
  const body = db.exec("select body from chunks order by place").map((chunk) => chunk.body)
  if (body.join("") !== text.toString()) throw new Error("the two texts differ")
  const stored = [...storage.snapshot()].reduce((sum, page) => sum + encodeWhole(page).length, 0)
  // Our pages are compressed when they are sent whole, so Yjs's state is as well.
  const state = deflateRawSync(Y.encodeStateAsUpdate(doc)).length
  const n = edits.length
  const per = (own, other) => ({ value: own / n, peerValue: other / n, n })
  const variant = `${n} edits, steps of ${stepSize}`
  const line = (what, unit, figures, goal, counts) =>
    row("editing-trace", `${what}, ${variant}`, unit, figures, "Yjs", goal, counts)
  return [
    line("CPU", "us per edit", per(micros.ours, micros.theirs), "<= 1.5"),
    line("bytes sent", "bytes per edit", per(bytes.ours, bytes.theirs), "<= 1", { bytes: bytes.ours }),
    line("bytes at the end", "bytes per edit", per(stored, state), "<= 1", { bytes: stored }),
  ]
}

/** Each edit for both: an index for Yjs, a chunk and the place in it for ours, as an editor's own model would know it. */
function trace(count) {
  const pick = random(5)
  const chunks = [{ id: 0, place: 0, length: 0 }]
  let length = 0
  let caret = 0
  let nextId = 1
  const edits = []
  while (edits.length < count) {
    const kind = Math.floor(pick(1_000_000) / 10_000)
    if (kind < 5) caret = pick(length + 1)
    if (kind >= 95 && caret > 0) {
      caret--
      length--
      const { chunk, at } = find(chunks, caret)
      chunk.length--
      edits.push({ index: caret, name: "Delete", args: { id: chunk.id, at } })
      continue
    }
    const { chunk, at, index } = find(chunks, caret)
    const character = LETTERS[Math.floor(pick(LETTERS.length * 100_000) / 100_000)]
    const args = { id: chunk.id, at, text: character }
    chunk.length++
    if (chunk.length >= CHUNK_CHARS_MAX) {
      args.split = { id: nextId++, place: between(chunk, chunks[index + 1]) }
      chunks.splice(index + 1, 0, { ...args.split, length: chunk.length - half })
      chunk.length = half
    }
    edits.push({ index: caret, character, name: "Insert", args })
    caret++
    length++
  }
  return edits
}

/** Where a new chunk goes between two: a fraction, so that no other chunk is written. */
function between(before, after) {
  const place = after === undefined ? before.place + 1 : (before.place + after.place) / 2
  if (place === before.place || place === after?.place) throw new Error("there is no place left between two chunks")
  return place
}

/** The chunk that has the character, or ends there. */
function find(chunks, character) {
  let at = character
  for (let index = 0; index < chunks.length; index++) {
    const chunk = chunks[index]
    if (at < chunk.length || index === chunks.length - 1) return { chunk, at, index }
    at -= chunk.length
  }
  throw new Error(`there is no character ${character}`)
}
