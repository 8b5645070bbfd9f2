"use client"

import { LfProvider } from "@lf/react"
import { useEffect, useState } from "react"
import { RegisterServiceWorker } from "../chrome/register-service-worker"
import { Supported } from "../chrome/supported"
import { connectWorker } from "../lf/connect"
import { mutator } from "../lf/mutators"
import { goHome, listsKey } from "../lists/go-home"
import { listIdPattern } from "../lists/list-id"
import { rememberList } from "../lists/list-store"
import { SendOthers } from "../lists/send-unsent"
import { TodoApp } from "./todo-app"
import { TodoSkeleton } from "./todo-skeleton"

export function ListPage() {
  // The id is in the address, never in Next's params: offline this page is the service worker's shell, which was made for no id.
  const [id] = useState(listIdOfLocation)
  useEffect(() => (id === undefined ? goHome(listsKey) : rememberList(id)), [id])
  if (id === undefined) return <TodoSkeleton />
  return (
    <LfProvider doc={id} worker={connectWorker} mutator={mutator}>
      <Supported>
        <div className="page">
          <TodoApp id={id} />
        </div>
        <SendOthers />
      </Supported>
      <RegisterServiceWorker />
    </LfProvider>
  )
}

// What the server renders is the same for every id, so hydration starts with the real one and nothing on the page has to change.
function listIdOfLocation(): string | undefined {
  if (typeof location === "undefined") return "server"
  const id = /^\/l\/([^/]+)\/?$/.exec(location.pathname)?.[1]
  return id !== undefined && listIdPattern.test(id) ? id : undefined
}
