"use client"

// Which lists this device knows: a small index in localStorage, most recently opened first. The lists' contents are lf's.
import { useSyncExternalStore } from "react"
import * as z from "zod/mini"
import { storedText } from "../stored-text"
import { listsKey } from "./go-home"
import { listIdPattern } from "./list-id"

const entrySchema = z.object({
  id: z.string().check(z.regex(listIdPattern)),
  /** As it was called when it was last open here; empty: it has no name. */
  name: z.catch(z.string(), ""),
  /** The first few todos, to recognise a list that has no name. */
  hint: z.catch(z.string(), ""),
  /** How many todos it had when it was last open here, and how many of them were to be done. */
  left: z.catch(z.number(), 0),
  total: z.catch(z.number(), 0),
  openedMs: z.catch(z.number(), 0),
  /** It was begun on this device, and is no other's that was opened here by its link. */
  isMadeHere: z.catch(z.boolean(), false),
  /** Changes of it waited when it was last open here. */
  isUnsent: z.catch(z.boolean(), false),
})

export type ListEntry = z.infer<typeof entrySchema>

const none: readonly ListEntry[] = []
const stored = storedText(listsKey)
let cached: { text: string | null; lists: readonly ListEntry[] } = { text: null, lists: none }

/** The lists of this device; none on the server and at the first render. */
export function useLists(): readonly ListEntry[] {
  return useSyncExternalStore(stored.subscribe, readLists, () => none)
}

/** Puts the list on top of the index; `isMadeHere`: it begins now. */
export function rememberList(id: string, isMadeHere = false): void {
  const lists = readLists()
  const made = { id, name: "", hint: "", left: 0, total: 0, isMadeHere, isUnsent: false }
  const known = lists.find((list) => list.id === id) ?? made
  writeLists([{ ...known, openedMs: Date.now() }, ...lists.filter((list) => list.id !== id)])
}

export function changeList(id: string, change: Partial<Omit<ListEntry, "id">>): void {
  writeLists(readLists().map((list) => (list.id === id ? { ...list, ...change } : list)))
}

/** Takes the list off the index; its link still opens it. */
export function forgetList(id: string): void {
  writeLists(readLists().filter((list) => list.id !== id))
}

/** Puts back what was taken off. */
export function restoreList(entry: ListEntry, index: number): void {
  const others = readLists().filter((list) => list.id !== entry.id)
  writeLists([...others.slice(0, index), entry, ...others.slice(index)])
}

function readLists(): readonly ListEntry[] {
  const text = stored.read()
  if (text !== cached.text) cached = { text, lists: decodeLists(text) }
  return cached.lists
}

function decodeLists(text: string | null): readonly ListEntry[] {
  if (text === null) return none
  try {
    return z.array(entrySchema).parse(JSON.parse(text))
  } catch {
    return none
  }
}

function writeLists(lists: readonly ListEntry[]): void {
  const text = JSON.stringify(lists)
  cached = { text, lists }
  stored.write(text)
}
