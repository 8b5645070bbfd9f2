import type { ReactNode } from "react"

/** A whole page that says one thing. */
export function Message({ title, children }: { title: string; children: ReactNode }) {
  return (
    <main className="page">
      <h1 className="page-title">{title}</h1>
      <p className="card message">{children}</p>
    </main>
  )
}
