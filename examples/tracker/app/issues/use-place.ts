"use client"

// The address follows what is shown, and a link, a reload or the back button leads to what was shown.
import { useMemo, useSyncExternalStore } from "react"
import { isSameEntry, type Place, placeOf, searchOf } from "./address"

/** Browsers refuse addresses that change more often than about ten times a second: a key that is held down does that. */
const PAUSE_MS = 200

export type GoTo = (change: Partial<Place>) => void

let search = ""
let timer: ReturnType<typeof setTimeout> | undefined
const listeners = new Set<() => void>()

/** Where the address says that the user is, and the way to elsewhere. */
export function usePlace(): readonly [Place, GoTo] {
  const shown = useSyncExternalStore(
    watch,
    () => search,
    () => "",
  )
  return [useMemo(() => placeOf(shown), [shown]), goTo]
}

function goTo(change: Partial<Place>): void {
  const from = placeOf(search)
  const to = { ...from, ...change }
  const next = searchOf(to)
  if (next === search) return
  if (isSameEntry(from, to)) {
    clearTimeout(timer)
    timer = setTimeout(writeNow, PAUSE_MS)
    show(next)
    return
  }
  writeNow()
  show(next)
  history.pushState(null, "", addressOf(next))
}

/** Brings the present entry of the history up to date. */
function writeNow(): void {
  clearTimeout(timer)
  if (location.search !== search) history.replaceState(history.state, "", addressOf(search))
}

function readAddress(): void {
  clearTimeout(timer)
  show(location.search)
}

function show(next: string): void {
  search = next
  for (const listener of listeners) listener()
}

function watch(listener: () => void): () => void {
  if (listeners.size === 0) {
    search = location.search
    window.addEventListener("popstate", readAddress)
  }
  listeners.add(listener)
  return () => {
    listeners.delete(listener)
    if (listeners.size === 0) window.removeEventListener("popstate", readAddress)
  }
}

const addressOf = (text: string) => `${location.pathname}${text}`
