import type { ReactNode } from "react"

interface MessageProps {
  readonly title: string
  readonly children: ReactNode
}

/** A whole page that says one thing. */
export function Message({ title, children }: MessageProps) {
  return (
    <main className="page">
      <h1 className="page-title">{title}</h1>
      <p className="card message">{children}</p>
    </main>
  )
}

/** The same in the place of a part: the rest of the page is read as ever. */
export function PartMessage({ title, children }: MessageProps) {
  return (
    <div className="card message part-message">
      <h2>{title}</h2>
      <p>{children}</p>
    </div>
  )
}
