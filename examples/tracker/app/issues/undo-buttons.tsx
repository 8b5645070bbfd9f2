"use client"

import { useUndo } from "@lf/react"
import { useEffect, useState } from "react"
import { isText } from "./use-keys"

const words: Readonly<Record<string, string>> = {
  "undo-conflict": "Changed by another user since",
  "undo-gone": "Too long ago to undo",
}

/** This tab's own changes, by buttons and Ctrl+Z. In a field that key belongs to the field. */
export function UndoButtons() {
  const { undo, redo, canUndo, canRedo } = useUndo()
  const [problem, setProblem] = useState("")

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const key = event.key.toLowerCase()
      const isMeant = (event.ctrlKey || event.metaKey) && !event.altKey && (key === "z" || key === "y")
      if (!isMeant || event.defaultPrevented || isText(event.target)) return
      event.preventDefault()
      void run(key === "y" || event.shiftKey ? redo : undo)
    }
    window.addEventListener("keydown", onKey)
    return () => window.removeEventListener("keydown", onKey)
  })

  async function run(step: typeof undo) {
    const outcome = await step()
    setProblem(outcome.type === "rejected" ? (words[outcome.code] ?? "") : "")
  }

  return (
    <>
      <button type="button" aria-label="Undo" title="Undo" disabled={!canUndo} onClick={() => run(undo)}>
        ↶
      </button>
      <button type="button" aria-label="Redo" title="Redo" disabled={!canRedo} onClick={() => run(redo)}>
        ↷
      </button>
      {problem !== "" && <span role="alert">{problem}</span>}
    </>
  )
}
