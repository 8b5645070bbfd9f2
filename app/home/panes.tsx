"use client"

import { LfProvider } from "@lf/react"
import { QueryClient } from "@tanstack/react-query"
import { useState } from "react"
import { connectLeft, connectRight } from "../lf/connect-panes"
import { newListId } from "../lists/list-id"
import { Pane } from "./pane"

const sides = [
  { name: "Laptop", placeholder: "Buy milk", connect: connectLeft },
  { name: "Phone on a train", placeholder: "Feed the cat", connect: connectRight },
] as const

/** Two clients of one list, each with a worker, a database and a connection of its own. The list is new with every visit. */
export function Panes() {
  const [doc] = useState(listOfVisit)
  return (
    <section className="panes" id="try" tabIndex={-1} aria-label="Try it: two clients of one list">
      <noscript>
        <p className="panes-off">
          Here are two live clients of one list. JavaScript is off, and it runs their databases. The{" "}
          <a href="/docs">documentation</a> works without it.
        </p>
      </noscript>
      {sides.map((side) => (
        <Client key={side.name} doc={doc} {...side} />
      ))}
    </section>
  )
}

function Client({ doc, name, placeholder, connect }: (typeof sides)[number] & { readonly doc: string }) {
  const [queryClient] = useState(() => new QueryClient())
  return (
    <LfProvider doc={doc} worker={connect} queryClient={queryClient}>
      <Pane name={name} placeholder={placeholder} />
    </LfProvider>
  )
}

/** The page is rendered again when it is gone back to: one visit has one list. */
let visited: string | undefined

// What the server renders is the same for every list: hydration starts with the visit's own, and an input keeps what was typed before.
function listOfVisit(): string {
  if (typeof location === "undefined") return "server"
  visited ??= newListId()
  return visited
}
