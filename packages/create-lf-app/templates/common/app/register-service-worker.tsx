"use client"

import { useEffect } from "react"

/** Registers public/sw.js once the page has settled. In development there is none: it would hide edits. */
export function RegisterServiceWorker() {
  useEffect(() => {
    if (!("serviceWorker" in navigator)) return
    if (process.env.NODE_ENV !== "production") return void removeAll()
    // Without one (a private window, a full disk) the page works while there is a network.
    const register = () => void navigator.serviceWorker.register("/sw.js").catch(() => undefined)
    if (document.readyState === "complete") return register()
    window.addEventListener("load", register, { once: true })
    return () => window.removeEventListener("load", register)
  }, [])
  return null
}

/** One that `npm start` registered at this address. */
async function removeAll() {
  for (const registration of await navigator.serviceWorker.getRegistrations()) await registration.unregister()
}
