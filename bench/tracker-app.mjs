// An issue tracker: its tables, five mutations and the 20 live queries of a page that shows several lists, counts, a search and one issue.
import { defineMutation, defineMutator, sql } from "@lf/core"
import { Database } from "../packages/core/dist/sqlite/database.js"
import { Storage } from "../packages/core/dist/storage/storage.js"
import { migrate } from "../packages/core/dist/timeline/schema.js"
import { loadSqlite } from "../packages/next/dist/node/load-sqlite.js"
import { random } from "./todos.mjs"

export const STATUSES = ["backlog", "todo", "in progress", "review", "done"]
export const ME = 1
const USERS = 200
const PROJECTS = 50
const LABELS = 40
/** Words of titles: each stands in about one title of a hundred. */
const WORDS = 400
const TITLE_WORDS = 4
const START_MS = 1_700_000_000_000
const MINUTE_MS = 60_000

const SCHEMA = [
  "create table projects (id integer primary key, name text not null) strict",
  "create table users (id integer primary key, name text not null) strict",
  "create table labels (id integer primary key, name text not null) strict",
  `create table issues (n integer primary key, id text not null unique, project_id integer not null references projects(id),
    assignee_id integer not null references users(id), status text not null, title text not null,
    created_at integer not null, updated_at integer not null) strict`,
  "create index issues_by_status on issues (status, created_at)",
  "create index issues_by_project on issues (project_id, status, created_at)",
  "create index issues_by_assignee on issues (assignee_id, updated_at)",
  "create table issue_labels (label_id integer not null, issue_id text not null, primary key (label_id, issue_id)) strict, without rowid",
  `create table comments (id text primary key, issue_id text not null, author_id integer not null references users(id),
    text text not null, created_at integer not null) strict`,
  "create index comments_by_issue on comments (issue_id, created_at)",
  "create table reads (user_id integer not null, issue_id text not null, read_at integer not null, primary key (user_id, issue_id)) strict, without rowid",
  "create virtual table issues_text using fts5 (title, content = 'issues', content_rowid = 'n')",
  "create trigger issue_added after insert on issues begin insert into issues_text (rowid, title) values (new.n, new.title); end",
  `create trigger issue_retitled after update of title on issues begin
    insert into issues_text (issues_text, rowid, title) values ('delete', old.n, old.title);
    insert into issues_text (rowid, title) values (new.n, new.title); end`,
]

/** Any arguments: the workload is ours. */
const anything = { "~standard": { version: 1, vendor: "bench", validate: (value) => ({ value }) } }

const SetStatus = defineMutation("SetStatus", anything, (tx, { id, status, at }) => {
  tx.run(sql`update issues set status = ${status}, updated_at = ${at} where id = ${id}`)
})
const SetTitle = defineMutation("SetTitle", anything, (tx, { id, title, at }) => {
  tx.run(sql`update issues set title = ${title}, updated_at = ${at} where id = ${id}`)
})
const AddComment = defineMutation("AddComment", anything, (tx, { id, issueId, text, at }) => {
  tx.run(sql`insert into comments values (${id}, ${issueId}, ${ME}, ${text}, ${at})`)
  tx.run(sql`update issues set updated_at = ${at} where id = ${issueId}`)
})
const MarkRead = defineMutation("MarkRead", anything, (tx, { issueId, at }) => {
  tx.run(sql`insert or replace into reads values (${ME}, ${issueId}, ${at})`)
})
const AddIssue = defineMutation("AddIssue", anything, (tx, { id, project, assignee, status, title, label, at }) => {
  tx.run(sql`insert into issues (id, project_id, assignee_id, status, title, created_at, updated_at)
    values (${id}, ${project}, ${assignee}, ${status}, ${title}, ${at}, ${at})`)
  tx.run(sql`insert into issue_labels values (${label}, ${id})`)
})

export const mutator = defineMutator({
  migrations: SCHEMA.map((text) => ({ sql: text, parameters: [] })),
  mutations: [SetStatus, SetTitle, AddComment, MarkRead, AddIssue],
})

/** Time-ordered, like a UUIDv7: the same at every run. */
const idAt = (kind, i) => {
  const hex = timeOf(i).toString(16).padStart(12, "0")
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${kind}${((i * 2_654_435_761) >>> 0).toString(16).padStart(11, "0")}`
}
export const issueId = (i) => idAt("a", i)
export const commentId = (i) => idAt("b", i)
export const timeOf = (i) => START_MS + i * MINUTE_MS
export const titleOf = (pick) => Array.from({ length: TITLE_WORDS }, () => `word${pick(WORDS)}`).join(" ")

/** By the high bits, which depend on more of what was drawn before than the low ones. */
export function evenly(seed) {
  const next = random(seed)
  return (below) => Math.floor((next(2 ** 32) / 2 ** 32) * below)
}

/** All that an issue has when it is made, in a tracker with so many before it. */
export function issue(i, pick) {
  return {
    id: issueId(i),
    project: 1 + pick(PROJECTS),
    assignee: 1 + pick(USERS),
    status: STATUSES[pick(STATUSES.length)],
    title: titleOf(pick),
    label: 1 + pick(LABELS),
    at: timeOf(i),
  }
}

/** Name and query of each live query; `detail` is the issue that is open. */
export function liveQueries(detail) {
  const byStatus = (status) => sql`select * from issues where status = ${status} order by created_at desc limit 100`
  const byAssignee = (user) => sql`select * from issues where assignee_id = ${user} order by updated_at desc limit 100`
  const byProject = (project, status) =>
    sql`select * from issues where project_id = ${project} and status = ${status} order by created_at desc limit 100`
  // Ids are ordered by time.
  const byLabel = (label) => sql`select i.*, p.name as project from issue_labels l join issues i on i.id = l.issue_id
    join projects p on p.id = i.project_id where l.label_id = ${label} order by l.issue_id desc limit 100`
  return {
    ...Object.fromEntries(STATUSES.map((status) => [`status ${status}`, byStatus(status)])),
    ...Object.fromEntries([ME, 2, 3].map((user) => [`assignee ${user}`, byAssignee(user)])),
    ...Object.fromEntries(STATUSES.slice(0, 4).map((status, i) => [`project ${i + 1}`, byProject(i + 1, status)])),
    "count by status": sql`select status, count(*) as n from issues group by status`,
    "count by project": sql`select project_id, count(*) as n from issues where status <> 'done' group by project_id`,
    "label 1": byLabel(1),
    "label 2": byLabel(2),
    search: sql`select i.* from issues_text t join issues i on i.n = t.rowid where issues_text match 'word7' order by t.rank limit 100`,
    unread: sql`select i.* from issues i left join reads r on r.user_id = ${ME} and r.issue_id = i.id
      where i.assignee_id = ${ME} and i.updated_at > coalesce(r.read_at, 0) order by i.updated_at desc limit 100`,
    detail: sql`select i.*, p.name as project, u.name as assignee from issues i join projects p on p.id = i.project_id
      join users u on u.id = i.assignee_id where i.id = ${detail}`,
    comments: sql`select c.*, u.name as author from comments c join users u on u.id = c.author_id
      where c.issue_id = ${detail} order by c.created_at`,
  }
}

/** A committed document with so many issues; each has one or two labels and two comments. Each user has read every fourth of theirs. */
export async function seededTracker(issues) {
  const storage = new Storage()
  const db = new Database(await loadSqlite(), storage)
  migrate(db, mutator)
  const pick = evenly(11)
  db.exec("begin")
  for (let i = 1; i <= PROJECTS; i++) db.exec("insert into projects values (?, ?)", i, `project ${i}`)
  for (let i = 1; i <= USERS; i++) db.exec("insert into users values (?, ?)", i, `user ${i}`)
  for (let i = 1; i <= LABELS; i++) db.exec("insert into labels values (?, ?)", i, `label ${i}`)
  for (let i = 0; i < issues; i++) {
    const { id, project, assignee, status, title, label, at } = issue(i, pick)
    const insert = "insert into issues values (null, ?, ?, ?, ?, ?, ?, ?)"
    db.exec(insert, id, project, assignee, status, title, at, at)
    db.exec("insert into issue_labels values (?, ?)", label, id)
    if (i % 2 === 0) db.exec("insert into issue_labels values (?, ?)", 1 + (label % LABELS), id)
    for (let k = 0; k < 2; k++) {
      const text = `${titleOf(pick)} ${titleOf(pick)}`
      db.exec("insert into comments values (?, ?, ?, ?, ?)", commentId(i * 2 + k), id, 1 + pick(USERS), text, at)
    }
    if (i % 4 === 0) db.exec("insert into reads values (?, ?, ?)", assignee, id, at)
  }
  db.exec("commit")
  storage.commit()
  storage.takeChanges()
  return storage
}
