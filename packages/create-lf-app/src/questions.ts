import { confirm, isCancel, select, text } from "@clack/prompts"
import { checkAppName } from "./app-name.ts"
import { defaultTemplate, type TemplateName } from "./layers.ts"
import type { PackageManager } from "./package-manager.ts"

export const defaultDirectory = "my-app"

/** Null: the user cancelled. */
export async function askDirectory(cwd: string): Promise<string | null> {
  const answer = await text({
    message: "Where should the app go?",
    placeholder: defaultDirectory,
    defaultValue: defaultDirectory,
    validate: (value) => {
      const checked = checkAppName(value || defaultDirectory, cwd)
      return checked.type === "invalid" ? checked.reason : undefined
    },
  })
  return isCancel(answer) ? null : answer
}

/** Null: the user cancelled. */
export async function askTemplate(): Promise<TemplateName | null> {
  const answer = await select<TemplateName>({
    message: "Which template?",
    initialValue: defaultTemplate,
    options: [
      { value: "todo", label: "todo", hint: "a list that syncs" },
      { value: "minimal", label: "minimal", hint: "one page, one table, one mutation" },
      { value: "auth", label: "auth", hint: "the list with accounts, members and invitations" },
    ],
  })
  return isCancel(answer) ? null : answer
}

/** Null: the user cancelled. */
export async function askInstall(pm: PackageManager): Promise<boolean | null> {
  const answer = await confirm({ message: `Install the dependencies with ${pm}?`, initialValue: true })
  return isCancel(answer) ? null : answer
}

export async function askAddition(): Promise<boolean> {
  const answer = await confirm({ message: "Make these changes?", initialValue: true })
  return answer === true
}
