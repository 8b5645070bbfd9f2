"use client"

import {
  LfProvider,
  sql,
  useConnectionStatus,
  useDocument,
  useLf,
  useMutation,
  useQuery,
  useSyncStatus,
} from "@lf/react"
import { useRouter } from "next/navigation"
import { type ReactNode, useEffect } from "react"
import type { User } from "../auth.server"
import { AccountBar, SignInLink } from "./account/account-bar"
import { ClaimDrafts } from "./account/claim-drafts"
import { useDrafts, useUser } from "./account/device"
import { connectWorker } from "./lf/connect"
import { ForgetList, homeOf, KeepList, type Member, NameMe, StartList } from "./lf/members"
import { mutator } from "./lf/mutators"
import { Members } from "./members"
import { allTodos, EmptyList, TodoList } from "./todos"
import "./account/account.css"

/** As high as a title. */
const unknown = "\u00a0"

export function SharedList({ list }: { list: string }) {
  const user = useUser()
  return (
    <>
      <AccountBar />
      {user === undefined ? (
        <EmptyList title={unknown} />
      ) : (
        <LfProvider doc={list} user={user?.id ?? null} worker={connectWorker} mutator={mutator}>
          {user && <ClaimDrafts user={user} />}
          <OpenList user={user} />
        </LfProvider>
      )}
    </>
  )
}

/** The surrounding provider's list, or why there is none. */
export function OpenList({ user }: { user: User | null }) {
  const { id } = useDocument()
  const { status, error } = useConnectionStatus()
  const { isUpToDate } = useSyncStatus()
  const list = useQuery(sql<"list">`select title from list`)
  const members = useQuery(
    sql<Member>`select user_id as user, name, role from members order by role = 'owner' desc, name`,
  )
  // Here too, so that the list and what is below it appear together.
  const todos = useQuery(allTodos)
  const draft = useDrafts().find((draft) => draft.id === id)
  const title = list.data?.[0]?.title
  const me = members.data?.find((member) => member.user === user?.id)
  useStart(draft?.title, user, list.data?.length === 0)
  useKeptAtHome(user, me, title)

  const problem = list.error ?? members.error
  if (problem) return <Sentence>{problem.message}</Sentence>
  if (user !== null && error?.code === "FORBIDDEN") return <NoMember user={user} />
  if (title !== undefined && !members.isPending && !todos.isPending) {
    // Signed out nothing is sent: there is no connection to show.
    const where = user === null ? <p className="status">on this device only</p> : undefined
    return (
      <TodoList title={title} status={where} isReadOnly={me?.role === "viewer"}>
        {status === "needs-auth" && user && <Notice>Your session has ended, so nothing is sent.</Notice>}
        {user === null ? <Notice>To keep this list everywhere and to share it:</Notice> : null}
        {status === "error" && error && user && <p role="alert">{error.message}</p>}
        {user && me && <Members me={me} members={members.data ?? []} />}
      </TodoList>
    )
  }
  if (user === null && !draft) {
    return (
      <Sentence>
        <SignInLink>Sign in</SignInLink> to open this list.
      </Sentence>
    )
  }
  if (status === "offline") return <Sentence>This list is not on this device yet, and there is no network.</Sentence>
  if (status === "needs-auth") {
    return (
      <Sentence>
        Your session has ended. <SignInLink>Sign in</SignInLink>
      </Sentence>
    )
  }
  if (status === "error" && error) return <Sentence>{error.message}</Sentence>
  if (status === "connected" && isUpToDate && !draft) return <Sentence>There is no list at this address.</Sentence>
  return <EmptyList title={unknown} />
}

/** A list that was begun at home has its name to get here. */
function useStart(title: string | undefined, user: User | null, isEmpty: boolean) {
  const { mutate } = useMutation(StartList)
  const name = user?.name ?? ""
  useEffect(() => {
    if (isEmpty && title !== undefined) mutate({ title, name })
  }, [isEmpty, title, name, mutate])
}

/** A member finds the list on their other devices, and is shown to the others by name. */
function useKeptAtHome(user: User | null, me: Member | undefined, title: string | undefined) {
  const lf = useLf()
  const { id } = useDocument()
  const { mutate: nameMe } = useMutation(NameMe)
  const isUnnamed = user !== null && me !== undefined && me.name !== user.name
  useEffect(() => {
    if (isUnnamed && user) nameMe({ name: user.name })
  }, [isUnnamed, user, nameMe])
  const isMember = me !== undefined
  useEffect(() => {
    if (user && isMember && title !== undefined) void keep(lf.document(homeOf(user.id)), id, title)
  }, [lf, user, isMember, id, title])
}

async function keep(home: ReturnType<typeof useDocument>, id: string, title: string): Promise<void> {
  const [kept] = await home.query(sql<"kept">`select title from lists where id = ${id}`)
  if (kept?.title !== title) await home.mutate(KeepList, { id, title })
}

function NoMember({ user }: { user: User }) {
  const lf = useLf()
  const { id, clear } = useDocument()
  const router = useRouter()

  async function remove() {
    await lf.document(homeOf(user.id)).mutate(ForgetList, { id })
    await clear({ pending: "discard" })
    router.push("/")
  }

  return (
    <Sentence>
      You are no member of this list, or no longer. Ask its owner for an invitation, or <SignInLink>sign in</SignInLink>{" "}
      again if your session has ended.
      <button type="button" onClick={remove}>
        Remove it from this device
      </button>
    </Sentence>
  )
}

function Notice({ children }: { children: string }) {
  return (
    <p className="notice">
      {children} <SignInLink>Sign in</SignInLink>
    </p>
  )
}

function Sentence({ children }: { children: ReactNode }) {
  return (
    <main className="account">
      <p role="status">{children}</p>
    </main>
  )
}
