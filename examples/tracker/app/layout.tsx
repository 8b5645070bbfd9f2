import type { Metadata, Viewport } from "next"
import type { ReactNode } from "react"
import "./tracker.css"

export const metadata: Metadata = {
  title: "Tracker",
  description: "An issue tracker whose database is in your browser.",
}

export const viewport: Viewport = { width: "device-width", initialScale: 1, colorScheme: "light dark" }

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  )
}
