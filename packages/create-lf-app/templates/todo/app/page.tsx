"use client"

import { newId } from "@lf/react"
import { useEffect } from "react"
import { useListOfAddress } from "./list-of-address"
import { EmptyList } from "./todos"
import { TodosPage } from "./todos-page"

/**
 * Opens this browser's list, or a new one, and gives the page its address, which can be shared. This page holds no data: the
 * service worker answers with it for every list while there is no network.
 */
export default function Home() {
  const list = useListOfAddress()

  useEffect(() => {
    if (list === undefined) history.replaceState(null, "", `/l/${listOfThisBrowser()}`)
  }, [list])

  return list ? <TodosPage list={list} /> : <EmptyList />
}

function listOfThisBrowser(): string {
  const id = localStorage.getItem("list") ?? newId()
  localStorage.setItem("list", id)
  return id
}
