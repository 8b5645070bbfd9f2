import { relative } from "node:path"
import { add } from "./add.ts"
import { checkAppName } from "./app-name.ts"
import { ownVersion } from "./app-package-json.ts"
import { type Flags, parseFlags, USAGE } from "./flags.ts"
import { defaultTemplate } from "./layers.ts"
import { installWithProgress, type PackageManager, packageManagerOf } from "./package-manager.ts"
import { askDirectory, askInstall, askTemplate, defaultDirectory } from "./questions.ts"
import { refusalOf, scaffold } from "./scaffold.ts"
import { processTerminal, type Terminal } from "./terminal.ts"

/** Entries of a non-empty directory that the refusal lists. */
const ENTRIES_MAX = 5

/** `npm create lf-app`. Returns the exit code: 0 done or cancelled, 1 refused or failed, 2 bad usage. */
export async function main(args: readonly string[], terminal: Terminal = processTerminal()): Promise<number> {
  const parsed = parseFlags(args)
  if (parsed.type === "invalid") {
    terminal.complain(`create-lf-app: ${parsed.reason}\n\n${USAGE}`)
    return 2
  }
  const { flags } = parsed
  if (flags.help) terminal.say(USAGE)
  else if (flags.version) terminal.say(await ownVersion())
  else return await (flags.add ? add : create)(flags, terminal)
  return 0
}

async function create(flags: Flags, terminal: Terminal): Promise<number> {
  const asks = terminal.isInteractive && !flags.yes
  const pm = flags.pm ?? packageManagerOf(terminal.userAgent)
  const asked = flags.directory ?? (asks ? await askDirectory(terminal.cwd) : defaultDirectory)
  if (asked === null) return leave(terminal)
  const app = checkAppName(asked, terminal.cwd)
  if (app.type === "invalid") return refuse(terminal, app.reason)
  const { directory, name } = app
  // Checked before the next question, whose answer would change nothing.
  const refusal = await refusalOf(directory)
  if (refusal !== null) return refuse(terminal, refusal.reason, refusal.entries)
  const template = flags.template ?? (asks ? await askTemplate() : defaultTemplate)
  if (template === null) return leave(terminal)
  const wantsInstall = flags.install ?? (asks ? await askInstall(pm) : true)
  if (wantsInstall === null) return leave(terminal)

  const result = await scaffold({ directory, name, template, lfFrom: flags.lfFrom })
  if (result.type === "refused") return refuse(terminal, result.reason, result.entries)
  terminal.say(`${name} is in ${directory}`)
  const isInstalled = wantsInstall && (await installWithProgress(terminal, pm, directory))
  terminal.say(nextSteps({ pm, isInstalled, path: relative(terminal.cwd, directory) }))
  return wantsInstall && !isInstalled ? 1 : 0
}

/** The commands to type next; `path` is empty when the app is in the current directory. */
function nextSteps(options: {
  readonly pm: PackageManager
  readonly isInstalled: boolean
  readonly path: string
}): string {
  const { pm, isInstalled, path } = options
  const steps = [path === "" ? [] : [`cd ${path}`], isInstalled ? [] : [`${pm} install`], [`${pm} run dev`]].flat()
  return `\nNext:\n\n${steps.map((step) => `  ${step}`).join("\n")}\n\nThen open http://localhost:3000 in two windows.\n`
}

function refuse(terminal: Terminal, reason: string, entries: readonly string[] = []): number {
  const shown = entries.length > ENTRIES_MAX ? [...entries.slice(0, ENTRIES_MAX), "…"] : entries
  const there = shown.length === 0 ? "" : ` It holds ${shown.join(", ")}.`
  terminal.complain(`create-lf-app: ${reason}${there} Nothing was written.`)
  return 1
}

function leave(terminal: Terminal): number {
  terminal.say("Nothing was written.")
  return 0
}
