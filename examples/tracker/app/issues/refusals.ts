import type { DismissibleRejection } from "@lf/react"

/** What a mutation was to write. */
export interface Written {
  readonly name: string
  readonly args: unknown
}

/** Not kept on this device. The server never saw it. */
export type Refused = DismissibleRejection & { readonly isLocal?: boolean }

/** A comment that was never sent: its issue vanished. */
export const draftName = "a draft"

/** What was refused, as one notice says it. */
export interface Refusal {
  readonly key: string
  /** What it was: "Your comment". */
  readonly what: string
  readonly code: string
  readonly isLocal: boolean
  /** Null: of an undo. */
  readonly issue: string | null
  /** What the user had written, which is nowhere else any more. */
  readonly text: string | null
  readonly at: number
  readonly parts: readonly DismissibleRejection[]
}

/** The name under which the library undoes. */
export const undoName = "lf.undo"

const names: Readonly<Record<string, string>> = {
  AddIssue: "Your new issue",
  DiscardIssue: "The removal of your empty issue",
  SetTitle: "Your title",
  SetBody: "Your description",
  SetStatus: "Your change of the status",
  SetPriority: "Your change of the priority",
  SetAssignee: "Your change of the assignee",
  SetLabel: "Your change of a label",
  AddComment: "Your comment",
  [draftName]: "The comment that you were writing",
  [undoName]: "Your undo",
}

/** A field that was written in several goes is one refusal, with its last text. The oldest comes first. */
export function refusalsOf(rejected: readonly Refused[]): readonly Refusal[] {
  const byKey = new Map<string, Refusal>()
  for (const one of rejected) {
    const { issue, text } = partsOf(one)
    const key = one.name === "AddComment" || issue === null ? one.uid : `${one.name} ${issue}`
    const before = byKey.get(key)?.parts ?? []
    const what = names[one.name] ?? "A change of yours"
    byKey.set(key, {
      key,
      what,
      code: one.code,
      isLocal: one.isLocal === true,
      issue,
      text,
      at: one.at,
      parts: [...before, one],
    })
  }
  return [...byKey.values()]
}

/** Whether a user has written something that would be lost. */
export const isText = ({ name, args }: Written) => partsOf({ name, args }).text !== null

function partsOf({ name, args }: Written): Pick<Refusal, "issue" | "text"> {
  const given = typeof args === "object" && args !== null ? (args as Readonly<Record<string, unknown>>) : {} // an object, above
  const issue = typeof given.issue === "string" ? given.issue : given.id
  const text = given.text ?? given.body ?? (name === "SetTitle" ? given.title : null)
  return {
    issue: typeof issue === "string" ? issue : null,
    text: typeof text === "string" && text !== "" ? text : null,
  }
}
