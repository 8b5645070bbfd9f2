"use client"

import { type MouseEvent, useRef } from "react"
import { focusInstead } from "./focus-instead"
import { useCopy } from "./use-copy"

/** What was typed into a row that another user deleted meanwhile. */
export interface LostText {
  readonly id: string
  readonly text: string
}

/** Gives back what was typed into a todo that another user deleted. */
export function LostNotice({ text, onDismiss }: { text: string; onDismiss: () => void }) {
  const field = useRef<HTMLInputElement>(null)
  const [copied, copy] = useCopy(field)
  const handleDismiss = (event: MouseEvent<HTMLElement>) => {
    focusInstead(event)
    onDismiss()
  }
  return (
    <div className="notice" data-testid="lost-notice">
      <p>
        Another user deleted the todo that you were editing. You had typed:
        <input
          ref={field}
          className="notice-text"
          aria-label="What you had typed"
          readOnly
          dir="auto"
          value={text}
          onFocus={(event) => event.target.select()}
        />
        {copied === "selected" && "It is selected: copy it with the keyboard or the menu."}
      </p>
      <button type="button" className="notice-button" onClick={copy}>
        {copied === "copied" ? "Copied" : "Copy"}
      </button>
      <button type="button" className="notice-button" onClick={handleDismiss}>
        Dismiss
      </button>
    </div>
  )
}
