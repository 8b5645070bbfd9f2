"use server"

import { lf } from "../../lf.server"
import { AddTodo } from "../lf/todo-mutations"
import { DOC } from "./queries"

/** Answers where the page's own rows must be to show it. */
export async function addTodo(id: string, title: string): Promise<number> {
  const outcome = await lf.document(DOC, { as: "system" }).mutate(AddTodo, { id, title })
  if (outcome.type !== "applied") throw new Error(`expected it to be applied, got ${outcome.type}`)
  return outcome.lsn
}
