"use server"

import { lf } from "../../lf.server"
import { AddTodo } from "../lf/todo-mutations"

export async function ask(): Promise<string> {
  return "answered"
}

const runs: string[] = []
let answerFirst = () => {}

/** Its first run is answered with the second, so that a test can cut the connection in between. */
export async function addOnServer(id: string): Promise<string> {
  const { type } = await lf.document("offline", { as: "system" }).mutate(AddTodo, { id, title: "from an action" })
  runs.push(type)
  if (runs.length === 1) await new Promise<void>((resolve) => (answerFirst = resolve))
  else answerFirst()
  return runs.join()
}
