"use client"
import { createElement, lazy, type ReactElement, Suspense, useSyncExternalStore } from "react"

// Bundlers put the environment's name here, and drop the branch with its import from a production build.
const Root =
  process.env.NODE_ENV === "development"
    ? lazy(async () => ({ default: (await import("./devtools-root.tsx")).DevtoolsRoot }))
    : null

/**
 * A panel for development: the worker's documents, their tables, queries and mutations, and "Export this bug". Render it
 * once, anywhere in the page. In production it is nothing, and not in the bundle.
 *
 * @example <body>{children}<LfDevtools /></body>
 */
export function LfDevtools(): ReactElement | null {
  const isPage = useSyncExternalStore(
    noChange,
    () => true,
    () => false,
  )
  return Root === null || !isPage ? null : createElement(Suspense, { fallback: null }, createElement(Root))
}

function noChange(): () => void {
  return () => {}
}
