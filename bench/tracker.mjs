// An issue tracker with 100,000 issues and 20 live queries: lists, counts, joins, a full-text search, unread issues and one
// issue with its comments. From the call of a mutation to the last result of all live queries that it changed, nothing on disk.
import { patchRows } from "@lf/core/internal"
import { nodeHost } from "../packages/next/dist/node/node-host.js"
import { median, row } from "./measure.mjs"
import { localOver } from "./stored.mjs"
import {
  commentId,
  evenly,
  issue,
  issueId,
  liveQueries,
  ME,
  mutator,
  STATUSES,
  seededTracker,
  timeOf,
  titleOf,
} from "./tracker-app.mjs"
import { percentile } from "./turns.mjs"

const GOAL_MS = 25
const QUERIES = 20
/** Rounds that do not count: by then all of it is compiled. */
const WARM = 20
/** So often all results are compared with what the queries answer then. */
const CHECKED_EVERY = 20

export async function run({ quick }) {
  const issues = quick ? 10_000 : 100_000
  const rounds = quick ? 20 : 100
  const page = await openPage(issues)
  const edits = editsOf(issues, page)
  const samples = new Map(Object.keys(edits).map((name) => [name, []]))
  for (let round = -WARM; round < rounds; round++) {
    for (const [name, argsOf] of Object.entries(edits)) {
      const sample = await page.run(name, argsOf())
      if (sample.changed === 0) throw new Error(`${name} changed no result`)
      if (round >= 0) samples.get(name).push(sample)
    }
    if (round % CHECKED_EVERY === 0) page.check()
  }
  page.check()
  await page.close()
  const all = [...samples.values()].flat()
  return [...samples, ["all five in turn", all]].map(([name, some]) => resultOf(`${name}, ${issues} issues`, some))
}

function resultOf(variant, samples) {
  const times = samples.map(({ ms }) => ms)
  const sum = (name) => samples.reduce((total, sample) => total + sample[name], 0)
  const counts = { mutations: samples.length, runs: sum("runs"), changed: sum("changed") }
  const figures = { value: median(times), peerValue: GOAL_MS, n: times.length }
  return {
    ...row("tracker", variant, "ms", figures, "the goal", "<= 1", counts),
    p99: Math.round(percentile(times, 0.99) * 1000) / 1000,
  }
}

/** A client with the live queries of a page, each with the rows that a hook would have. */
async function openPage(issues) {
  let nowMs = timeOf(issues)
  const host = { ...nodeHost, nowMs: () => nowMs++ }
  const local = await localOver(await seededTracker(issues), { mutator, host })
  const queries = Object.entries(liveQueries(issueId(issues - 1)))
  if (queries.length !== QUERIES) throw new Error(`expected ${QUERIES} live queries, got ${queries.length}`)
  const shown = new Map()
  let changed = 0
  let lastMs = 0
  let made = 0
  for (const [name, query] of queries)
    local.subscribe(query, (result) => {
      if (result.type === "error") throw result.error
      shown.set(name, result.type === "rows" ? result.rows : patchRows(shown.get(name), result.patch))
      changed++
      lastMs = performance.now()
    })
  await idle(local)
  for (const [name] of queries) if (!(shown.get(name)?.length > 0)) throw new Error(`${name} has no rows`)
  return {
    rows: (name) => shown.get(name),
    async run(name, args) {
      const runs = local.reads.runs
      changed = 0
      const startedMs = performance.now()
      const { durable } = local.run(name, args, `00000000-0000-7000-8000-${String(++made).padStart(12, "0")}`)
      await local.reads.whenDelivered()
      const sample = { ms: lastMs - startedMs, runs: local.reads.runs - runs, changed }
      await durable
      return sample
    },
    check() {
      for (const [name, query] of queries)
        if (JSON.stringify(local.query(query)) !== JSON.stringify(shown.get(name)))
          throw new Error(`${name} shows other rows than it has`)
    },
    close: () => local.close(),
  }
}

async function idle(local) {
  while (!local.reads.isIdle) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** The arguments of each mutation: edits of what the page shows. */
function editsOf(issues, page) {
  const pick = evenly(12)
  let made = issues
  const at = () => timeOf(made++)
  const one = (name) => {
    const rows = page.rows(name)
    return rows[pick(rows.length)]
  }
  const lists = STATUSES.map((status) => `status ${status}`)
  return {
    SetStatus: () => {
      const { id, status } = one(lists[pick(lists.length)])
      const next = STATUSES[(STATUSES.indexOf(status) + 1) % STATUSES.length]
      return { id, status: next, at: at() }
    },
    SetTitle: () => ({ id: one(lists[pick(lists.length)]).id, title: titleOf(pick), at: at() }),
    AddComment: () => ({
      id: commentId(issues * 2 + made),
      issueId: page.rows("detail")[0].id,
      text: titleOf(pick),
      at: at(),
    }),
    MarkRead: () => ({ issueId: one("unread").id, at: at() }),
    // Of the person whose page it is, so that what is unread does not run out.
    AddIssue: () => ({ ...issue(made, pick), assignee: ME, at: at() }),
  }
}
