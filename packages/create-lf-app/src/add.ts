import { mkdir, rm, writeFile } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { type Change, describeChange, planAddition } from "./add-plan.ts"
import type { Flags } from "./flags.ts"
import { installWithProgress, packageManagerIn } from "./package-manager.ts"
import { askAddition } from "./questions.ts"
import type { Terminal } from "./terminal.ts"

/** `--add`: puts lf into the app in a directory. Shows each change before it is made. Returns the exit code. */
export async function add(flags: Flags, terminal: Terminal): Promise<number> {
  const directory = resolve(terminal.cwd, flags.directory ?? ".")
  const plan = await planAddition(directory, flags.lfFrom)
  if (plan.type === "refused") {
    const files = plan.entries.map((entry) => `\n  ${entry}`).join("")
    terminal.complain(`create-lf-app: ${plan.reason}${files}\nNothing was written.`)
    return 1
  }
  terminal.say(plan.changes.map(describeChange).join("\n"))
  for (const step of plan.byHand) terminal.say(`\nBy hand: ${step}`)
  if (!(await isAgreed(flags, terminal))) return flags.yes || terminal.isInteractive ? 0 : 1
  await make(directory, plan.changes)
  terminal.say(`\nlf is in ${directory}`)
  const pm = flags.pm ?? packageManagerIn(directory, terminal.userAgent)
  const isInstalled = flags.install !== false && (await installWithProgress(terminal, pm, directory))
  const steps = [...(isInstalled ? [] : [`${pm} install`]), `${pm} run dev`].map((step) => `  ${step}`).join("\n")
  terminal.say(`\nNext:\n\n${steps}\n\nThen open http://localhost:3000/lf/first in two windows.\n`)
  return flags.install !== false && !isInstalled ? 1 : 0
}

/** All of the changes or none: what was made before one that fails is undone. */
async function make(directory: string, changes: readonly Change[]): Promise<void> {
  const made: Change[] = []
  try {
    for (const change of changes) {
      const path = join(directory, change.path)
      await mkdir(dirname(path), { recursive: true })
      // A file that has come since the plan was made is not overwritten.
      await writeFile(path, change.after, change.before === null ? { flag: "wx" } : {})
      made.push(change)
    }
  } catch (error) {
    for (const { path, before } of made)
      await (before === null ? rm(join(directory, path)) : writeFile(join(directory, path), before))
    throw error
  }
}

async function isAgreed({ yes }: Flags, terminal: Terminal): Promise<boolean> {
  if (yes) return true
  if (terminal.isInteractive && (await askAddition())) return true
  terminal.say(
    terminal.isInteractive ? "Nothing was written." : "\nNothing was written: say --yes to make these changes.",
  )
  return false
}
