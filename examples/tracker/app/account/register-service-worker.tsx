"use client"

import { useEffect } from "react"

/** Registers the service worker once the page has settled. In development there is none: it would hide edits. */
export function RegisterServiceWorker() {
  useEffect(() => {
    if (process.env.NODE_ENV !== "production" || !("serviceWorker" in navigator)) return
    const register = () => {
      // Without one (a private window, a full disk) the page works while there is a network.
      navigator.serviceWorker.register("/serwist/sw.js", { scope: "/" }).catch(() => undefined)
    }
    if (document.readyState === "complete") return register()
    window.addEventListener("load", register, { once: true })
    return () => window.removeEventListener("load", register)
  }, [])
  return null
}
