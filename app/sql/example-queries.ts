/** Queries to begin with: each shows what an index is worth, or what goes without one. */
export const exampleQueries = [
  {
    name: "One row",
    sql: "select * from tasks where id = 4711",
  },
  {
    name: "Count by status",
    sql: "select status, count(*) as tasks\nfrom tasks\ngroup by status",
  },
  {
    name: "Top 20 by an index",
    sql: "select id, priority, title\nfrom tasks\norder by priority desc, id desc\nlimit 20",
  },
  {
    name: "Top 20 without one",
    sql: "select id, created_at, title\nfrom tasks\norder by created_at desc\nlimit 20",
  },
  {
    name: "Join",
    sql: "select people.name, tasks.id, tasks.title\nfrom people join tasks on tasks.person = people.id\nwhere people.team = 'harbour' and tasks.priority = 5\norder by people.name\nlimit 50",
  },
  {
    name: "Search titles",
    sql: "select id, title, status, priority\nfrom tasks\nwhere title like '%copper bell%'",
  },
  {
    name: "All rows",
    sql: "select * from tasks",
  },
  {
    name: "Too much",
    sql: "select count(*)\nfrom tasks a join tasks b on a.title < b.title",
  },
] as const

export const firstQuery = exampleQueries[1].sql
