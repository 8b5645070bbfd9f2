"use client"

import { type DismissibleRejection, useConnectionStatus, useQuery, useRejectedMutations } from "@lf/react"
import { type ReactNode, useRef, useState } from "react"
import { focusContent } from "./focus"
import { issueOf } from "./queries"
import { type Refusal, type Refused, refusalsOf, undoName } from "./refusals"
import { sayError, sayRefusal } from "./words"

interface NoticesProps {
  /** What the user had written, and this device could not keep. */
  readonly lost: readonly Refused[]
  /** What failed on this device. */
  readonly problem: string | null
  /** Why an undo was refused. The server's answer is among the rejected mutations too, and said once. */
  readonly undoProblem: string | null
  readonly onDismiss: () => void
}

/** Below the issues, in a place of their own: nothing is covered. What the server refused is there until it is dismissed. */
export function Notices({ lost, problem, undoProblem, onDismiss }: NoticesProps) {
  const rejected = useRejectedMutations()
  const { status, error } = useConnectionStatus()
  const section = useRef<HTMLElement>(null)
  const refusals = refusalsOf([...rejected, ...lost])
  const isUndoSaid = rejected.some(({ name }) => name === undoName)
  const dismiss = (at: number, parts: readonly DismissibleRejection[]) => {
    onDismiss()
    focusBeside(section.current, at)
    for (const one of parts) void one.dismiss()
  }
  return (
    <section ref={section} className="notices" aria-label="Notices">
      {refusals.map((one, at) => (
        <RefusalNotice key={one.key} refusal={one} onDismiss={() => dismiss(at, one.parts)} />
      ))}
      {[problem, isUndoSaid ? null : undoProblem].map(
        (text, i) =>
          text !== null && (
            <Notice key={i} button="Dismiss" onClick={() => dismiss(refusals.length, [])}>
              <p>{text}</p>
            </Notice>
          ),
      )}
      {status === "needs-update" && (
        <Notice button="Reload" onClick={() => location.reload()}>
          <p>There is a newer version of the tracker.</p>
        </Notice>
      )}
      {status === "error" && error !== null && (
        <Notice>
          <p>{sayError(error)}</p>
        </Notice>
      )}
    </section>
  )
}

function RefusalNotice({ refusal, onDismiss }: { refusal: Refusal; onDismiss: () => void }) {
  const { what, code, isLocal, issue, text } = refusal
  const row = useQuery(issueOf(issue ?? "")).data?.[0]
  const words = useRef<HTMLQuoteElement>(null)
  const [isCopied, setIsCopied] = useState(false)
  return (
    <Notice button="Dismiss" onClick={onDismiss}>
      <p>
        {what}
        {row !== undefined && (
          <>
            {" "}
            for {row.n} “<bdi>{row.title}</bdi>”
          </>
        )}{" "}
        {isLocal ? "was not kept." : "was not accepted and is taken back."} {sayRefusal(code)}
      </p>
      {text !== null && (
        <>
          <blockquote ref={words} dir="auto">
            {text}
          </blockquote>
          <button type="button" onClick={async () => setIsCopied(await copy(text, words.current))}>
            {isCopied ? "Copied" : "Copy text"}
          </button>
        </>
      )}
    </Notice>
  )
}

interface NoticeProps {
  readonly button?: string
  readonly onClick?: () => void
  readonly children: ReactNode
}

function Notice({ button, onClick, children }: NoticeProps) {
  return (
    <div className="notice" role="alert">
      {children}
      {button !== undefined && (
        <button type="button" data-dismiss onClick={onClick}>
          {button}
        </button>
      )}
    </div>
  )
}

/** The notice is about to go: the next one has the focus, else the one before, else what they were about. */
function focusBeside(section: HTMLElement | null, at: number): void {
  const buttons = [...(section?.querySelectorAll<HTMLElement>("[data-dismiss]") ?? [])]
  const next = buttons[at + 1] ?? buttons[at - 1]
  if (next !== undefined) next.focus()
  else focusContent()
}

/** Selected as well: where a page may not write to the clipboard, the user's own key does. */
async function copy(text: string, element: HTMLElement | null): Promise<boolean> {
  if (element !== null) getSelection()?.selectAllChildren(element)
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return false
  }
}
