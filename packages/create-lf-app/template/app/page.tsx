"use client"

import { newId } from "@lf/react"
import { useRouter } from "next/navigation"
import { useEffect } from "react"

/** Redirects to this browser's list, or to a new one. A list's address can be shared. */
export default function Home() {
  const router = useRouter()

  useEffect(() => {
    const id = localStorage.getItem("list") ?? newId()
    localStorage.setItem("list", id)
    router.replace(`/l/${id}`)
  }, [router])

  return null
}
