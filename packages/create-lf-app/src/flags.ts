import { parseArgs } from "node:util"
import { defaultTemplate, isTemplateName, type TemplateName, templateNames } from "./layers.ts"
import { isPackageManager, type PackageManager, packageManagers } from "./package-manager.ts"

/** The command line's flags. Undefined: not given, so the user is asked or the default is used. */
export interface Flags {
  readonly directory: string | undefined
  readonly install: boolean | undefined
  readonly pm: PackageManager | undefined
  readonly template: TemplateName | undefined
  /** Into the app that is there, instead of a new one. */
  readonly add: boolean
  /** Use every default; ask nothing. */
  readonly yes: boolean
  readonly help: boolean
  readonly version: boolean
  /** For tests: a directory with packed @lf packages, used instead of the registry's. */
  readonly lfFrom: string | undefined
}

export type FlagsResult =
  | { readonly type: "ok"; readonly flags: Flags }
  | { readonly type: "invalid"; readonly reason: string }

export const USAGE = `usage: npm create lf-app@latest [directory] -- [options]
       npm create lf-app@latest [directory] -- --add [options]

  directory          where the app goes, and its name (default: my-app)
  --template <name>  ${templateNames.join(", ")} (default: ${defaultTemplate})
                     minimal: one page, one table; todo: a list that syncs; auth: the list with accounts and members
  --add              adds lf to the App Router app in the directory (default: this one); shows each change first,
                     overwrites nothing
  -y, --yes          ask nothing, take the defaults
  --install          install the dependencies (default)
  --no-install       do not
  --pm <name>        ${packageManagers.join(", ")} (default: the one that runs this)
  -h, --help         this
  -v, --version      the version
`

const options = {
  add: { type: "boolean", default: false },
  yes: { type: "boolean", short: "y", default: false },
  install: { type: "boolean" },
  "no-install": { type: "boolean" },
  pm: { type: "string" },
  template: { type: "string" },
  help: { type: "boolean", short: "h", default: false },
  version: { type: "boolean", short: "v", default: false },
  "lf-from": { type: "string" },
} as const

export function parseFlags(args: readonly string[]): FlagsResult {
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(args)
  } catch (error) {
    return { type: "invalid", reason: error instanceof Error ? error.message : String(error) }
  }
  const { values, positionals } = parsed
  const { add, yes, help, version, pm, template, "lf-from": lfFrom } = values
  if (positionals.length > 1) return { type: "invalid", reason: `One directory, not ${positionals.length}.` }
  if (values.install && values["no-install"]) return { type: "invalid", reason: "--install or --no-install, not both." }
  if (pm !== undefined && !isPackageManager(pm)) {
    return { type: "invalid", reason: `--pm is one of ${packageManagers.join(", ")}; not ${pm}.` }
  }
  if (template !== undefined && add) {
    return { type: "invalid", reason: "--add or --template, not both: --add puts the todo list into an app." }
  }
  if (template !== undefined && !isTemplateName(template)) {
    return { type: "invalid", reason: `--template is one of ${templateNames.join(", ")}; not ${template}.` }
  }
  const install = values["no-install"] ? false : values.install
  return { type: "ok", flags: { directory: positionals[0], add, install, pm, template, yes, help, version, lfFrom } }
}

function parse(args: readonly string[]) {
  return parseArgs({ args: [...args], options, allowPositionals: true })
}
