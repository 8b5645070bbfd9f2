"use client"
// What this device remembers besides its documents. The server trusts none of it.
import { useMemo, useSyncExternalStore } from "react"
import type { User } from "../../auth.server"

/** A list that was begun on this device and is not among the user's lists yet. */
export interface Draft {
  readonly id: string
  readonly title: string
}

/** The user who signed in here last: offline the server cannot say. Undefined while the page is the server's. */
export function useUser(): User | null | undefined {
  return useStored<User | null>("user", null)
}

export function rememberUser(user: User | null): void {
  store("user", user)
}

export function useDrafts(): readonly Draft[] {
  return useStored<readonly Draft[]>("drafts", none) ?? none
}

export function addDraft(draft: Draft): void {
  store("drafts", [...stored<readonly Draft[]>("drafts", none), draft])
}

export function removeDraft(id: string): void {
  store(
    "drafts",
    stored<readonly Draft[]>("drafts", none).filter((draft) => draft.id !== id),
  )
}

const none: readonly Draft[] = []

function useStored<T>(key: string, fallback: T): T | undefined {
  const text = useSyncExternalStore(
    watch,
    () => localStorage.getItem(key),
    () => undefined,
  )
  return useMemo(() => (text === undefined ? undefined : parsed(text, fallback)), [text, fallback])
}

function stored<T>(key: string, fallback: T): T {
  return parsed(localStorage.getItem(key), fallback)
}

function parsed<T>(text: string | null, fallback: T): T {
  try {
    return JSON.parse(text ?? "null") ?? fallback
  } catch {
    return fallback
  }
}

function store(key: string, value: unknown): void {
  localStorage.setItem(key, JSON.stringify(value))
  // Browsers send it to the other tabs only.
  window.dispatchEvent(new StorageEvent("storage", { key }))
}

function watch(notify: () => void): () => void {
  window.addEventListener("storage", notify)
  return () => window.removeEventListener("storage", notify)
}
