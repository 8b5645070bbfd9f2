import { basename, resolve } from "node:path"

export type AppNameCheck =
  | { readonly type: "ok"; readonly directory: string; readonly name: string }
  | { readonly type: "invalid"; readonly reason: string }

/** The longest name that npm takes. */
const NAME_CHARS_MAX = 214
const RESERVED = new Set(["node_modules", "favicon.ico"])

/** The requested directory ("my-app", "apps/my-app", "."), and the package name made of its last part. */
export function checkAppName(asked: string, cwd: string): AppNameCheck {
  if (asked.trim() === "") return { type: "invalid", reason: "The app needs a name." }
  const directory = resolve(cwd, asked.trim())
  const name = basename(directory)
  if (name.length > NAME_CHARS_MAX)
    return { type: "invalid", reason: `A name has at most ${NAME_CHARS_MAX} characters.` }
  if (RESERVED.has(name)) return { type: "invalid", reason: `npm keeps the name ${name} for itself.` }
  if (!/^[a-z0-9][a-z0-9._-]*$/.test(name)) {
    const better = suggestName(name)
    const hint = better === "" ? "" : ` Perhaps ${better}?`
    return {
      type: "invalid",
      reason: `"${name}" cannot be a package's name: lowercase letters, digits, "-", "_" and ".", beginning with a letter or digit.${hint}`,
    }
  }
  return { type: "ok", directory, name }
}

function suggestName(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[^a-z0-9]+|-+$/g, "")
}
