"use client"

import { ToolbarView } from "../chrome/toolbar"
import { TodoCard } from "./todo-card"
import { TodoHint } from "./todo-hint"

/** The list's page before anything is known: the very elements that it starts with. */
export function TodoSkeleton() {
  return (
    <div className="page">
      <ToolbarView status="opening" pending={0} isOffline={false} />
      <TodoCard isBusy />
      <TodoHint />
      <div className="notices" />
    </div>
  )
}
