import { randomBytes } from "node:crypto"
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { type BetterAuthOptions, betterAuth } from "better-auth"
import { getMigrations } from "better-auth/db/migration"
import { SqliteDialect } from "kysely"
import Database from "libsql"

// Accounts are no part of any document: every reader of a document can read all of it. They are in a database beside.
const directory = resolve(/* turbopackIgnore: true */ process.env.LF_DATA_DIR || ".lf")

async function open() {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const file = join(directory, "accounts.db")
  // For this user alone, like the documents. SQLite gives its other files the same rights.
  closeSync(openSync(file, "a", 0o600))
  const database = new Database(file)
  database.pragma("journal_mode = WAL")
  const options = {
    database: { dialect: new SqliteDialect({ database }), type: "sqlite", transaction: true },
    secret: process.env.BETTER_AUTH_SECRET ?? secretIn(join(directory, "accounts.secret")),
    // The address that users type: others may not sign in, and https makes the cookie secure.
    baseURL: process.env.BETTER_AUTH_URL ?? `http://localhost:${process.env.PORT ?? 3000}`,
    emailAndPassword: { enabled: true },
    // Of one address, per 60 s. Signing in has better-auth's own: 3 in 10 s.
    rateLimit: { customRules: { "/sign-up/email": { window: 60, max: 10 } } },
    telemetry: { enabled: false },
  } satisfies BetterAuthOptions
  await (await getMigrations(options)).runMigrations()
  return betterAuth(options)
}

/** Made once and kept: sessions are signed with it. */
function secretIn(file: string): string {
  try {
    writeFileSync(file, randomBytes(32).toString("base64url"), { flag: "wx", mode: 0o600 })
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error
  }
  return readFileSync(file, "utf8")
}

// Routes are bundled apart and edits load this file again: the process has one.
const shared = globalThis as typeof globalThis & { accounts?: ReturnType<typeof open> | undefined }

/** Opened by the first request, not while the app is built. */
export function accounts() {
  shared.accounts ??= open().catch((error: unknown) => {
    // A full disk or a missing right: the next request tries again.
    shared.accounts = undefined
    throw error
  })
  return shared.accounts
}

export interface User {
  readonly id: string
  readonly name: string
}

/** Whose session the cookie in these headers is; null: none that is valid now. */
export async function userOf(headers: Headers): Promise<User | null> {
  const session = await (await accounts()).api.getSession({ headers, query: { disableRefresh: true } })
  return session && { id: session.user.id, name: session.user.name }
}
