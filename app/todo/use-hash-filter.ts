"use client"

import { useSyncExternalStore } from "react"

export const filters = [
  { name: "all", hash: "#/", label: "All" },
  { name: "active", hash: "#/active", label: "Active" },
  { name: "completed", hash: "#/completed", label: "Completed" },
] as const

export type Filter = (typeof filters)[number]["name"]

/** The filter that the address names; anything unknown is all of them. */
export function useHashFilter(): Filter {
  return useSyncExternalStore(subscribe, readFilter, () => "all")
}

function readFilter(): Filter {
  return filters.find((filter) => filter.hash === location.hash)?.name ?? "all"
}

function subscribe(listener: () => void): () => void {
  const handleChange = () => {
    // Next's router does not see plain fragments and would put the address back at its next refresh: replaces it there too.
    history.replaceState(history.state, "", location.href)
    listener()
  }
  window.addEventListener("hashchange", handleChange)
  return () => window.removeEventListener("hashchange", handleChange)
}
