"use client"

import { useUndo } from "@lf/react"
import { useEffect } from "react"
import { isText } from "./use-keys"
import { sayError, sayRefusal } from "./words"

/** This tab's own changes, by buttons and Ctrl+Z. In a field that key belongs to the field. */
export function UndoButtons({ onProblem }: { onProblem: (problem: string | null) => void }) {
  const { undo, redo, canUndo, canRedo } = useUndo()

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
    onProblem(null)
    try {
      const outcome = await step()
      if (outcome.type !== "rejected") return
      const what = step === undo ? "It was not undone." : "It was not done again."
      onProblem(outcome.code === "undo-nothing" ? sayRefusal(outcome.code) : `${what} ${sayRefusal(outcome.code)}`)
    } catch (error) {
      onProblem(sayError(error instanceof Error ? error : new Error(String(error))))
    }
  }

  const buttons = [
    { name: "Undo", sign: "↶", isPossible: canUndo, step: undo },
    { name: "Redo", sign: "↷", isPossible: canRedo, step: redo },
  ]
  // Not `disabled`: the button that undid the last change would lose the focus.
  return (
    <span className="undo">
      {buttons.map(({ name, sign, isPossible, step }) => (
        <button
          key={name}
          type="button"
          aria-label={name}
          title={name}
          aria-disabled={!isPossible}
          onClick={() => isPossible && run(step)}
        >
          {sign}
        </button>
      ))}
    </span>
  )
}
