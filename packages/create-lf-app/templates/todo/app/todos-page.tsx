"use client"

import { LfProvider, useConnectionStatus } from "@lf/react"
import { connectWorker } from "./lf/connect"
import { mutator } from "./lf/mutators"
import { TodoList } from "./todos"

export function TodosPage({ list }: { list: string }) {
  return (
    <LfProvider doc={list} worker={connectWorker} mutator={mutator}>
      <TodoList>
        <Problem />
      </TodoList>
    </LfProvider>
  )
}

/** Why there is no connection. Offline is not an error. */
function Problem() {
  const { status, error } = useConnectionStatus()
  return status === "offline" || error === null ? null : <p role="alert">{error.message}</p>
}
