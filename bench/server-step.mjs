// The server's side of a mutation without network and disk: it runs, is marked in the client's row, and becomes a changeset.
import { lsn } from "@lf/core/internal"
import { encodeMessage } from "../packages/core/dist/network/codec.js"
import { applyGroup } from "../packages/core/dist/timeline/apply-group.js"
import { mutator as todoMutator } from "./todos.mjs"

const CLIENT = "0123456789abcdef0123456789abcdef"

export function mutationOf(position, name, args) {
  const uid = `00000000-0000-7000-8000-${String(position).padStart(12, "0")}`
  return { uid, name, args, at: 1_800_000_000_000 + position }
}

/** One step: a transaction of all `mutations`, the last of which gets `position`. */
export function step({ db, storage, mutator = todoMutator }, mutations, position) {
  const first = position - mutations.length + 1
  const mark = (index) =>
    db.exec(
      "replace into __lf_mutations values (?, ?, ?)",
      CLIENT,
      first + index,
      BigInt.asIntN(64, BigInt(first + index) * 11_400_714_819_323_198_485n),
    )
  const jobs = mutations.map((mutation) => ({ mutation, author: null }))
  const { outcomes } = applyGroup({ db, mutator, side: "remote", jobs, pagesMax: db.pageCountMax, mark })
  for (const outcome of outcomes)
    if (outcome.type !== "applied") throw new Error(`a mutation was rejected: ${outcome.code}`)
  return storage.commit()
}

/** What another client is sent for it. */
export function frameOf(changeset, position) {
  return encodeMessage({
    type: "pages",
    from: lsn(position),
    to: lsn(position + 1),
    isLast: true,
    bytesTotal: 100,
    changeset,
    outcomes: [],
  })
}
