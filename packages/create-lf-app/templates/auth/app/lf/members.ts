// Who belongs to a list, as rows of the list: the server's authorize() reads them, and so does the page.
import { defineMutation, Reject, sql } from "@lf/core"
import { z } from "zod"

export type Role = "owner" | "editor" | "viewer"

export interface Member {
  readonly user: string
  readonly name: string
  readonly role: Role
}

/** A link is good for a week, once. */
const inviteMsMax = 7 * 24 * 3600 * 1000

const id = z.string().min(1).max(64)
const title = z.string().trim().min(1).max(100)
const name = z.string().max(100)
const hash = z.string().regex(/^[0-9a-f]{64}$/)

/** Runs first in a new list. Signed out there is no owner yet: it runs again as the user who signs in. */
export const StartList = defineMutation("StartList", z.object({ title, name }), (tx, { title, name }) => {
  const [started] = tx.all(sql`select 1 from list`)
  if (started !== undefined) return
  tx.run(sql`insert into list (title, created_at) values (${title}, ${tx.nowMs})`)
  if (tx.user !== null) tx.run(sql`insert into members (user_id, name, role) values (${tx.user}, ${name}, 'owner')`)
})

/** Members see each other's names; each gives their own. */
export const NameMe = defineMutation("NameMe", z.object({ name }), (tx, { name }) => {
  tx.run(sql`update members set name = ${name} where user_id = ${tx.user}`)
})

/** The link has a secret, and the list its hash alone: viewers can read all rows, and could make themselves editors. */
export const Invite = defineMutation(
  "Invite",
  z.object({ hash, role: z.enum(["editor", "viewer"]) }),
  (tx, { hash, role }) => {
    tx.run(sql`insert into invites (hash, role, created_at) values (${hash}, ${role}, ${tx.nowMs})`)
  },
)

/** Run by the server alone, which knows the user by their session. */
export const AcceptInvite = defineMutation(
  "AcceptInvite",
  z.object({ hash, user: id, name }),
  (tx, { hash, user, name }) => {
    const [member] = tx.all(sql`select 1 from members where user_id = ${user}`)
    if (member !== undefined) return
    const newest = tx.nowMs - inviteMsMax
    const [invite] = tx.all(
      sql<{ role: Role }>`select role from invites where hash = ${hash} and created_at > ${newest}`,
    )
    if (invite === undefined) throw new Reject("INVITE_GONE")
    tx.run(sql`delete from invites where hash = ${hash}`)
    tx.run(sql`insert into members (user_id, name, role) values (${user}, ${name}, ${invite.role})`)
  },
)

/** Open invitations go too: one of them may be in the hands of the user who is removed. */
export const RemoveMember = defineMutation("RemoveMember", z.object({ user: id }), (tx, { user }) => {
  const { changes } = tx.run(sql`delete from members where user_id = ${user} and role <> 'owner'`)
  if (changes === 0) throw new Reject("NOT_REMOVABLE")
  tx.run(sql`delete from invites`)
})

/** A document of each user's own: which lists they have, on every device. */
export const homeOf = (user: string) => `home-${user}`

export const KeepList = defineMutation("KeepList", z.object({ id, title }), (tx, { id, title }) => {
  tx.run(
    sql`insert into lists (id, title) values (${id}, ${title}) on conflict (id) do update set title = excluded.title`,
  )
})

export const ForgetList = defineMutation("ForgetList", z.object({ id }), (tx, { id }) => {
  tx.run(sql`delete from lists where id = ${id}`)
})

export const memberMutations = [StartList, NameMe, Invite, AcceptInvite, RemoveMember, KeepList, ForgetList]

export const memberTables = [
  sql`create table list (title text not null, created_at integer not null) strict`,
  sql`create table members (
    user_id text primary key,
    name text not null,
    role text not null check (role in ('owner', 'editor', 'viewer'))
  ) strict`,
  sql`create table invites (
    hash text primary key,
    role text not null check (role in ('editor', 'viewer')),
    created_at integer not null
  ) strict`,
  sql`create table lists (id text primary key, title text not null) strict`,
]
