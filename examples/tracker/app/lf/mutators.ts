// What can happen to the tracker. Components, the browser's worker and the server all import this one file.
import { defineMutation, defineMutator, Reject, sql, type Tx, undoLog } from "@lf/core"
import { z } from "zod"
import { seededIssues, seededPeople } from "./seed"
import { labels, newTitle, priorities, statuses } from "./values"

// Else Zod tries whether it may eval, which a strict content security policy reports as a violation.
z.config({ jitless: true })

const id = z.string().min(1).max(64)
const title = z.string().trim().min(1).max(200)
const body = z.string().max(10_000)
const person = z.string().max(64).nullable()

/** Every change has a user: on the server the one of the cookie. */
function userOf(tx: Tx): string {
  if (tx.user === null) throw new Reject("signed-out")
  return tx.user
}

/** One who has joined. Else a foreign key would refuse the row, with a message that is for developers. */
function author(tx: Tx): string {
  const user = userOf(tx)
  if (tx.get(sql`select 1 from people where id = ${user}`) === undefined) throw new Reject("not-joined")
  return user
}

/** The issue may be gone by now: its making was undone. */
function touch(tx: Tx, issue: string): void {
  if (tx.get(sql`select 1 from issues where id = ${issue}`) === undefined) throw new Reject("issue-gone")
  noteChange(tx, issue)
}

/**
 * In a row that no other user writes, and not in the issue's: undo compares rows, and a comment of another user keeps no
 * status from being undone. Unread marks and the order of the list compare these numbers, not clocks: what was written
 * offline long ago is new when it arrives.
 */
function noteChange(tx: Tx, issue: string): void {
  addChange(tx, issue, author(tx))
}

function addChange(tx: Tx, issue: string, person: string): void {
  tx.run(sql`insert into changes (issue, person, change)
    values (${issue}, ${person}, (select coalesce(max(change), 0) + 1 from changes))
    on conflict (issue, person) do update set change = excluded.change`)
}

/**
 * Everyone who was here can be an assignee. What had happened before a user came for the first time is no news to them. The
 * server does it at sign-in: what a page does, its user can undo.
 */
export const Join = defineMutation("Join", z.object({ name: z.string().trim().min(1).max(40) }), (tx, { name }) => {
  tx.run(sql`insert into people (id, name, joined)
    values (${userOf(tx)}, ${name}, (select coalesce(max(change), 0) from changes))
    on conflict (id) do update set name = excluded.name, joined = coalesce(joined, excluded.joined)`)
})

/** The number is SQLite's next one: offline a guess, and the server's when it has it. */
export const AddIssue = defineMutation(
  "AddIssue",
  z.object({ id, title, status: z.enum(statuses) }),
  (tx, { id, title, status }) => {
    tx.run(sql`insert into issues (id, title, status, author, created_at)
      values (${id}, ${title}, ${status}, ${author(tx)}, ${tx.nowMs})`)
    noteChange(tx, id)
  },
)

/** One that was given nothing. Whether it was, the server decides: what another user writes to it may be on its way. */
export const DiscardIssue = defineMutation("DiscardIssue", z.object({ id }), (tx, { id }) => {
  const empty = tx.get(sql`select 1 from issues i
    where id = ${id} and author = ${userOf(tx)} and title = ${newTitle} and body = ''
      and status = 'backlog' and priority = 'normal' and assignee is null
      and not exists (select 1 from issue_labels where issue = i.id)
      and not exists (select 1 from changes where issue = i.id and person <> i.author)
      and not exists (select 1 from comments where issue = i.id)`)
  if (empty === undefined) throw new Reject("issue-used")
  tx.run(sql`delete from issues where id = ${id}`)
})

export const SetTitle = defineMutation("SetTitle", z.object({ id, title }), (tx, { id, title }) => {
  touch(tx, id)
  tx.run(sql`update issues set title = ${title} where id = ${id}`)
})

export const SetBody = defineMutation("SetBody", z.object({ id, body }), (tx, { id, body }) => {
  touch(tx, id)
  tx.run(sql`update issues set body = ${body} where id = ${id}`)
})

export const SetStatus = defineMutation(
  "SetStatus",
  z.object({ id, status: z.enum(statuses) }),
  (tx, { id, status }) => {
    touch(tx, id)
    tx.run(sql`update issues set status = ${status} where id = ${id}`)
  },
)

export const SetPriority = defineMutation(
  "SetPriority",
  z.object({ id, priority: z.enum(priorities) }),
  (tx, { id, priority }) => {
    touch(tx, id)
    tx.run(sql`update issues set priority = ${priority} where id = ${id}`)
  },
)

export const SetAssignee = defineMutation("SetAssignee", z.object({ id, assignee: person }), (tx, { id, assignee }) => {
  touch(tx, id)
  tx.run(sql`update issues set assignee = ${assignee} where id = ${id}`)
})

export const SetLabel = defineMutation(
  "SetLabel",
  z.object({ id, label: z.enum(labels), isOn: z.boolean() }),
  (tx, { id, label, isOn }) => {
    touch(tx, id)
    if (isOn) tx.run(sql`insert or ignore into issue_labels (issue, label) values (${id}, ${label})`)
    else tx.run(sql`delete from issue_labels where issue = ${id} and label = ${label}`)
  },
)

export const AddComment = defineMutation(
  "AddComment",
  z.object({ id, issue: id, text: z.string().trim().min(1).max(4_000) }),
  (tx, { id, issue, text }) => {
    touch(tx, issue)
    tx.run(sql`insert into comments (id, issue, author, text, created_at)
      values (${id}, ${issue}, ${author(tx)}, ${text}, ${tx.nowMs})`)
  },
)

/** In the user's own document: up to which change the user has seen the issue, on whichever device. */
export const MarkRead = defineMutation(
  "MarkRead",
  z.object({ issue: id, change: z.number().int().min(0) }),
  (tx, { issue, change }) => {
    tx.run(sql`insert into marks (issue, change) values (${issue}, ${change})
      on conflict (issue) do update set change = max(change, excluded.change)`)
  },
)

/** The server fills a new tracker, a part at a time. No browser may: see lf.server.ts. */
export const Seed = defineMutation("Seed", z.object({ from: z.number(), count: z.number() }), (tx, { from, count }) => {
  for (const { id, name } of seededPeople()) {
    tx.run(sql`insert or ignore into people (id, name) values (${id}, ${name})`)
  }
  for (const issue of seededIssues(from, count, tx.nowMs)) {
    tx.run(sql`insert into issues (id, title, body, status, priority, author, assignee, created_at)
      values (${issue.id}, ${issue.title}, ${issue.body}, ${issue.status}, ${issue.priority}, ${issue.author},
        ${issue.assignee}, ${issue.createdAt})`)
    addChange(tx, issue.id, issue.author)
    for (const label of issue.labels)
      tx.run(sql`insert into issue_labels (issue, label) values (${issue.id}, ${label})`)
  }
})

export const mutator = defineMutator({
  migrations: [
    sql`create table people (id text primary key, name text not null) strict`,
    sql`create table issues (
      n integer primary key,
      id text not null unique,
      title text not null,
      body text not null default '',
      status text not null,
      priority text not null default 'normal',
      author text not null references people (id),
      assignee text references people (id),
      created_at integer not null,
      updated_at integer not null
    ) strict`,
    sql`create index issues_by_update on issues (updated_at desc)`,
    sql`create index issues_by_status on issues (status, updated_at desc)`,
    sql`create table issue_labels (
      issue text not null references issues (id),
      label text not null,
      primary key (label, issue)
    ) strict, without rowid`,
    sql`create index labels_by_issue on issue_labels (issue, label)`,
    sql`create table comments (
      id text primary key,
      issue text not null references issues (id),
      author text not null references people (id),
      text text not null,
      created_at integer not null
    ) strict`,
    sql`create index comments_by_issue on comments (issue, created_at)`,
    sql`create virtual table issues_text using fts5 (title, body, content = 'issues', content_rowid = 'n')`,
    sql`create trigger issue_added after insert on issues begin
      insert into issues_text (rowid, title, body) values (new.n, new.title, new.body);
    end`,
    sql`create trigger issue_changed after update of title, body on issues begin
      insert into issues_text (issues_text, rowid, title, body) values ('delete', old.n, old.title, old.body);
      insert into issues_text (rowid, title, body) values (new.n, new.title, new.body);
    end`,
    sql`create trigger issue_removed after delete on issues begin
      insert into issues_text (issues_text, rowid, title, body) values ('delete', old.n, old.title, old.body);
    end`,
    undoLog,
    // The last change of each user. Numbers count all changes.
    sql`create table changes (
      issue text not null references issues (id),
      person text not null,
      change integer not null,
      primary key (issue, person)
    ) strict, without rowid`,
    sql`create index changes_by_number on changes (change)`,
    sql`alter table people add column joined integer`,
    // Has rows in the users' own documents alone.
    sql`create table marks (issue text primary key, change integer not null) strict, without rowid`,
    // The time of the last change was in the issue's row, which all users write. Older issues get the numbers up to 0.
    sql`insert into changes (issue, person, change)
      select id, author, row_number() over (order by updated_at, n) - (select count(*) from issues)
      from issues where id not in (select issue from changes)`,
    sql`drop index issues_by_update`,
    sql`drop index issues_by_status`,
    sql`alter table issues drop column updated_at`,
    sql`create index issues_with_status on issues (status)`,
    // Undo refuses to take back what others wrote to an issue, and so to remove the issue.
    sql`create trigger issue_emptied before delete on issues begin
      delete from comments where issue = old.id;
      delete from issue_labels where issue = old.id;
      delete from changes where issue = old.id;
    end`,
  ],
  mutations: [
    Join,
    AddIssue,
    DiscardIssue,
    SetTitle,
    SetBody,
    SetStatus,
    SetPriority,
    SetAssignee,
    SetLabel,
    AddComment,
    MarkRead,
    Seed,
  ],
})
