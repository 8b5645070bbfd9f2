"use client"

import { AccountBar } from "./account/account-bar"
import { Home } from "./home"
import { useListOfAddress } from "./list-of-address"
import { SharedList } from "./shared-list"

/**
 * The user's lists. This page holds no data: the service worker answers with it for every list while there is no network, and
 * then it finds the list's id in the address.
 */
export default function Page() {
  const list = useListOfAddress()
  if (list === null) return <AccountBar />
  return list === undefined ? <Home /> : <SharedList list={list} />
}
