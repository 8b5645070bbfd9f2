"use client"

import type { KeyboardEvent } from "react"

interface QueryBoxProps {
  readonly text: string
  readonly onText: (text: string) => void
  readonly onRun: () => void
}

export function QueryBox({ text, onText, onRun }: QueryBoxProps) {
  const runOnEnter = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return
    event.preventDefault()
    onRun()
  }
  return (
    <div className="sql-box">
      <textarea
        id="box"
        className="sql-text"
        aria-label="SQL query"
        aria-describedby="sql-problem"
        rows={5}
        spellCheck={false}
        autoCapitalize="off"
        autoComplete="off"
        value={text}
        onChange={(event) => onText(event.target.value)}
        onKeyDown={runOnEnter}
      />
      <div className="sql-run">
        <span className="by-mouse">Ctrl or Cmd + Enter</span>
        <button type="button" disabled={text.trim() === ""} onClick={onRun}>
          Run
        </button>
      </div>
    </div>
  )
}
