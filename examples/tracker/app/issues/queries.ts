// What the pages read. The conditions are of one list, so that the list, the board and their counts agree.
import { type Query, type Sql, sql } from "@lf/react"
import type { Label, Priority, Status } from "../lf/values"

export interface Filter {
  readonly text: string
  readonly status: Status | null
  readonly label: Label | null
  readonly assignee: string | null
}

export const noFilter: Filter = { text: "", status: null, label: null, assignee: null }

/** Until the rows of another filter, or more of them, are here: those of before, and no empty page at each letter. */
export const shownMeanwhile = { placeholderData: <T>(before: T | undefined) => before }

export interface IssueRow {
  readonly n: number
  readonly id: string
  readonly title: string
  readonly status: Status
  readonly priority: Priority
  readonly assignee: string | null
  readonly labels: string | null
  /** Who made the last change. */
  readonly changer: string
}

export interface Issue {
  readonly n: number
  readonly id: string
  readonly title: string
  readonly body: string
  readonly status: Status
  readonly priority: Priority
  readonly assignee: string | null
  readonly author: string
  readonly created_at: number
}

export interface Comment {
  readonly id: string
  readonly author: string
  readonly text: string
  readonly created_at: number
}

export interface Person {
  readonly id: string
  readonly name: string
}

/** Those that were changed last come first. Each issue has a change: that of its making. */
export function issuesOf(filter: Filter, limit: number): Query<IssueRow> {
  return sql<IssueRow>`
    select i.n, i.id, i.title, i.status, i.priority, p.name as assignee, c.person as changer,
      (select group_concat(label, ' ') from issue_labels where issue = i.id) as labels
    from changes c join issues i on i.id = c.issue left join people p on p.id = i.assignee
    where not exists (select 1 from changes later where later.issue = c.issue and later.change > c.change)
      and ${conditionOf(filter)}
    order by c.change desc limit ${limit}`
}

export function countsOf(filter: Filter): Query<{ status: Status; count: number }> {
  return sql<{ status: Status; count: number }>`
    select i.status, count(*) as count from issues i where ${conditionOf(filter)} group by i.status`
}

export function issueOf(id: string): Query<Issue> {
  return sql<Issue>`
    select i.n, i.id, i.title, i.body, i.status, i.priority, i.assignee, p.name as author, i.created_at
    from issues i join people p on p.id = i.author where i.id = ${id}`
}

export function labelsOf(id: string): Query<{ label: Label }> {
  return sql<{ label: Label }>`select label from issue_labels where issue = ${id} order by label`
}

export function commentsOf(id: string): Query<Comment> {
  return sql<Comment>`
    select c.id, p.name as author, c.text, c.created_at
    from comments c join people p on p.id = c.author where c.issue = ${id} order by c.created_at, c.id`
}

export const everyone = sql<Person>`select id, name from people order by name`

/** What others changed since this user saw it, with the last change's number. It reads the user's own document, too. */
export function unreadOf(user: string): Query<{ issue: string; change: number }> {
  return sql<{ issue: string; change: number }>`
    select c.issue, max(c.change) as change
    from people p join changes c on c.change > p.joined left join own.marks m on m.issue = c.issue
    where p.id = ${user} and c.person <> p.id and c.change > coalesce(m.change, 0) group by c.issue`
}

function conditionOf({ text, status, label, assignee }: Filter): Sql<unknown> {
  return sql.and([
    text.trim() !== "" && foundBy(text),
    status !== null && sql`i.status = ${status}`,
    label !== null && sql`i.id in (select issue from issue_labels where label = ${label})`,
    assignee !== null && sql`i.assignee = ${assignee}`,
  ])
}

/**
 * Words of the title and the description, each of which may go on. A number, with or without #, is the issue's too. Words with
 * signs that the index leaves out, and words of scripts that have no spaces, are looked for in the texts themselves.
 */
function foundBy(text: string): Sql<unknown> {
  const terms = text.trim().split(/\s+/)
  const isOdd = (term: string) => odd.test(term) || !/[\p{L}\p{N}]/u.test(term)
  const words = terms.filter((term) => !isOdd(term)).flatMap((term) => term.match(/[\p{L}\p{M}\p{N}]+/gu) ?? [])
  // Quoted, a word is no operator of FTS5.
  const match = words.map((word) => `"${word}"*`).join(" ")
  const found = sql.and([
    match !== "" && sql`i.n in (select rowid from issues_text where issues_text match ${match})`,
    ...terms.filter(isOdd).slice(0, ODD_MAX).map(contains),
  ])
  const number = /^\s*#?(\d{1,15})\s*$/.exec(text)?.[1]
  return number === undefined ? found : sql`(i.n = ${Number(number)} or ${found})`
}

/** Each of them reads all texts. */
const ODD_MAX = 8

/** "🚀", "C++", "C#", and scripts that are written without spaces. */
const odd =
  /\p{S}|\p{L}#|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u

function contains(term: string): Sql<unknown> {
  const pattern = `%${term.replace(/[\\%_]/g, "\\$&")}%`
  return sql`(i.title like ${pattern} escape '\\' or i.body like ${pattern} escape '\\')`
}
