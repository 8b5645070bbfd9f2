import { sql } from "@lf/core"
import { loadChecksum, StatementProbe } from "@lf/core/internal"
import { afterEach, beforeAll, expect, test } from "vitest"
import { loadSqlite } from "../node/load-sqlite.ts"
import { cleanUp, later } from "../testing/fixture.ts"
import { parameterTypes } from "./parameter-types.ts"

afterEach(cleanUp)
beforeAll(loadChecksum)

const SCHEMA = [
  sql`create table todos (id text primary key, title text not null, note text, done integer not null default 0, list integer, photo blob, extra any) strict`,
  sql`create table lists (id integer primary key, name text not null, weight real) strict`,
  sql`create table made (a integer, twice integer as (a * 2), kept text as (a || 'x') stored, b text not null) strict`,
  sql`create table loose (a text, b int not null, c real, d datetime, e)`,
  sql`create index loose_b on loose (b, a)`,
  sql`create view open as select id, title, done from todos where done = 0`,
  sql`create virtual table found using fts5(title)`,
]

async function typesOf(text: string): Promise<string> {
  const probe = new StatementProbe(await loadSqlite(), SCHEMA)
  later(() => probe.close())
  const count = text.split("?").length - 1
  const types = parameterTypes(probe.explain(text, count), count, (table) => probe.storedTypes(table))
  return types.map(({ base, isNullable }) => `${base}${isNullable ? "?" : ""}`).join(", ")
}

test.each([
  // What a column is compared with
  ["select * from todos where done = ? and title <> ? and ? < note", "number?, string?, string?"],
  ["select * from todos where id = ?", "string?"],
  ["select * from lists where id = ? and weight > ?", "number?, number?"],
  ["select * from todos where list is ? or list in (?, ?)", "number?, number?, number?"],
  ["select * from todos where done in (?, ?, ?, ?)", "number?, number?, number?, number?"],
  ["select * from todos where list between ? and ?", "number?, number?"],
  ["select * from loose where b in (?, ?, ?) and a > ? and d = ?", "number?, number?, number?, string?, unknown?"],
  ["select * from todos t join lists l on l.id = t.list where l.name = ? order by t.id", "string?"],
  ["select * from todos where exists (select 1 from lists l where l.id = list and l.name = ?)", "string?"],
  ["select * from todos where list in (select id from lists where name = ?)", "string?"],
  ["with a as (select title as t from todos) select * from a where t = ?", "string?"],
  ["select * from open where title = ? union select ?, ?, id from lists", "string?, unknown?, unknown?"],
  ["select count(*) from todos group by list having max(title) > ?", "unknown?"],
  ["select * from todos where done = coalesce(?, 1)", "number?"],
  ["select * from todos where title = case when ? then ? else 'b' end", "unknown?, string?"],
  // What is not compared with a column is not known
  ["select ? as a, ? + 1, lower(?) from todos", "unknown?, unknown?, unknown?"],
  ["select * from todos where lower(id) = ? and title like ? and extra = ?", "unknown?, unknown?, unknown?"],
  ["select * from todos where title = ? || 'x' and (? or done)", "unknown?, unknown?"],
  ["select * from todos where (? is null or done = ?)", "unknown?, number?"],
  ["select * from found where found match ? order by rank limit ?", "unknown?, number"],
  ["select * from todos limit ? offset ?", "number, number"],
  ["select json_extract(note, ?) from todos where rowid > ?", "unknown?, unknown?"],
  // What is stored
  [
    "insert into todos (id, title, done, extra, photo) values (?, ?, ?, ?, ?)",
    "string, string, number, unknown?, Uint8Array?",
  ],
  ["insert into todos (id, title) values (?, ?), (?, ?)", "string, string, string, string"],
  ["update todos set title = ?, note = ?, list = ? where id = ?", "string, string?, number?, string?"],
  [
    "update todos set done = not done, list = coalesce(?, list), title = coalesce(?, title) where id in (?, ?)",
    "number?, string?, string?, string?",
  ],
  ["delete from todos where id = ? and done = ?", "string?, number?"],
  ["insert into lists (id, name) values (?, ?) on conflict (id) do update set name = ?", "number?, string, string"],
  ["insert or ignore into lists (name, weight) values (?, ?)", "string?, number?"],
  ["insert into made (a, b) values (?, ?)", "number?, string"],
  ["insert into loose values (?, ?, ?, ?, ?)", "string?, number, number?, unknown?, unknown?"],
  ["insert into lists (name) select ? from todos where title = ?", "string, string?"],
  ["insert into found (title) values (?)", "unknown?"],
  ["update todos set title = ? where id = ? returning id", "string, string?"],
])("%s", async (text, expected) => {
  expect(await typesOf(text)).toBe(expected)
})
