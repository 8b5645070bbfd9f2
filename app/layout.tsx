import { LfDevtools } from "@lf/react/devtools"
import type { Metadata, Viewport } from "next"
import type { ReactNode } from "react"
import "todomvc-app-css/index.css"
import "./app.css"

export const metadata: Metadata = {
  title: "todos",
  description: "A todo list that works offline and is shared by its link.",
  openGraph: { type: "website" },
  twitter: { card: "summary_large_image" },
  appleWebApp: { capable: true, title: "todos", statusBarStyle: "default" },
  formatDetection: { telephone: false },
}

export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  colorScheme: "light dark",
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#f6f5f3" },
    { media: "(prefers-color-scheme: dark)", color: "#131316" },
  ],
}

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        {children}
        <LfDevtools />
      </body>
    </html>
  )
}
