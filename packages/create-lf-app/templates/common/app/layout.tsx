import { LfDevtools } from "@lf/react/devtools"
import type { Metadata, Viewport } from "next"
import type { ReactNode } from "react"
import "./globals.css"
import { RegisterServiceWorker } from "./register-service-worker"

export const metadata: Metadata = { title: "my-app" }
export const viewport: Viewport = { colorScheme: "light dark" }

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        {children}
        <RegisterServiceWorker />
        <LfDevtools />
      </body>
    </html>
  )
}
