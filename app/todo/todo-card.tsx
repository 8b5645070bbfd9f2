"use client"

import type { ReactNode } from "react"
import { NewTodo } from "./new-todo"
import { newReportId } from "./reports"

interface TodoCardProps {
  readonly isBusy?: boolean
  /** Takes the title; calls `restore` if it could not be kept on this device. */
  readonly onAdd?: (title: string, restore: () => void) => void
  /** What is to be said of the field for new todos. */
  readonly report?: ReactNode
  readonly children?: ReactNode
}

/** The card with the title and the input; the list goes below. */
export function TodoCard({ isBusy = false, onAdd, report, children }: TodoCardProps) {
  return (
    <main id="list" tabIndex={-1} aria-label="Todo list">
      <section className="todoapp" aria-busy={isBusy}>
        <header className="header">
          <h1>todos</h1>
          <NewTodo onAdd={onAdd} describedBy={report ? newReportId : undefined} />
          {report}
        </header>
        {children}
      </section>
    </main>
  )
}
