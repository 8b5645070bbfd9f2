import { execFileSync } from "node:child_process"
import { readdirSync } from "node:fs"
import { join } from "node:path"

/** What a stopped server of one document left in its database. */
export function rowsOf(dataDir: string): string[] {
  return sqlite(mainFile(dataDir), "select title from todos order by created_at, id")
}

export function mainFile(dataDir: string): string {
  const [file] = mainFiles(dataDir)
  if (file === undefined) throw new Error("there is no checkpoint")
  return file
}

/** The database files of all documents. */
export function mainFiles(dataDir: string): string[] {
  const docs = join(dataDir, "docs")
  return readdirSync(docs).flatMap((doc) => {
    const name = readdirSync(join(docs, doc)).find((file) => /^main-.*\.db$/.test(file))
    return name === undefined ? [] : [join(docs, doc, name)]
  })
}

/** The sqlite3 shell where there is one, else Python's own: both are real SQLite. */
export function sqlite(file: string, query: string): string[] {
  const run = (command: string, args: string[]) => execFileSync(command, args, { encoding: "utf8" }).trim().split("\n")
  try {
    return run("sqlite3", [file, query])
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error
    const script = "import sqlite3,sys\nfor r in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]): print(r[0])"
    return run("python3", ["-c", script, file, query])
  }
}
