// The issues of a new tracker: made up, and the same on every machine.
import { type Label, labels, type Priority, priorities, type Status, statuses } from "./values"

export const seededCount = 5_000
const HOUR_MS = 3_600_000

export interface SeededIssue {
  readonly id: string
  readonly title: string
  readonly body: string
  readonly status: Status
  readonly priority: Priority
  readonly author: string
  readonly assignee: string | null
  readonly labels: readonly Label[]
  readonly createdAt: number
}

const names = ["Ada", "Barbara", "Claude", "Donald", "Edsger", "Frances", "Grace", "Hedy", "Ivan", "Joan"]
const things = [
  "the search box",
  "the board",
  "the invoice export",
  "the sign-in page",
  "the settings dialog",
  "the calendar",
  "the image upload",
  "the weekly report",
  "the address book",
  "the notification bell",
  "the payment form",
  "the audit log",
]
const places = [
  "on Android",
  "in Safari",
  "offline",
  "after a deploy",
  "with 10,000 rows",
  "in dark mode",
  "on a train",
]
const kinds: readonly ((thing: string, place: string) => string)[] = [
  (thing, place) => `${upper(thing)} loses what was typed ${place}`,
  (thing, place) => `${upper(thing)} takes seconds to open ${place}`,
  (thing, place) => `Make ${thing} usable by keyboard ${place}`,
  (thing, place) => `Say how ${thing} works ${place}`,
  (thing, place) => `${upper(thing)} overlaps the footer ${place}`,
  (thing, place) => `Measure ${thing} ${place}`,
  (thing, place) => `Undo does not reach ${thing} ${place}`,
  (thing, place) => `Remember the last filter of ${thing} ${place}`,
]

export function seededIssues(from: number, count: number, nowMs: number): SeededIssue[] {
  return Array.from({ length: count }, (_, i) => seededIssue(from + i, nowMs))
}

function seededIssue(n: number, nowMs: number): SeededIssue {
  const pick = picker(n)
  const thing = pick(things)
  const place = pick(places)
  const author = pick(names)
  // Most of an old tracker is done.
  const status = pick([...statuses, "done", "done"] as const)
  return {
    id: `seed-${n}`,
    title: pick(kinds)(thing, place),
    body: `Seen by ${author} ${place}.\n\n1. Open ${thing}.\n2. Work for a while.\n3. Look again.`,
    status,
    priority: pick([...priorities, "normal", "normal"] as const),
    author: idOf(author),
    assignee: pick([null, ...names.map(idOf)]),
    labels: labels.filter(() => pick([0, 1, 2, 3]) === 0),
    createdAt: nowMs - (seededCount - n) * HOUR_MS,
  }
}

export const seededPeople = () => names.map((name) => ({ id: idOf(name), name }))

const idOf = (name: string) => name.toLowerCase()
const upper = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

/** Evenly, and the same for the same number. */
function picker(seed: number): <T>(from: readonly T[]) => T {
  let state = (seed * 2_654_435_761) >>> 0
  return (from) => {
    state = (Math.imul(state ^ (state >>> 15), 2_246_822_519) + 3_266_489_917) >>> 0
    return from[Math.floor(((state ^ (state >>> 13)) >>> 0) % from.length)] as never // an index below the length
  }
}
