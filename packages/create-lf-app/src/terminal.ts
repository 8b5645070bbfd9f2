import { spinner } from "@clack/prompts"

/** Where the program runs and prints. */
export interface Terminal {
  readonly cwd: string
  /** A terminal: questions get answers, and a line can be redrawn. */
  readonly isInteractive: boolean
  /** npm_config_user_agent. */
  readonly userAgent: string | undefined
  say(text: string): void
  complain(text: string): void
}

export function processTerminal(): Terminal {
  return {
    cwd: process.cwd(),
    isInteractive: process.stdin.isTTY === true && process.stdout.isTTY === true,
    userAgent: process.env.npm_config_user_agent,
    say: (text) => void process.stdout.write(`${text}\n`),
    complain: (text) => void process.stderr.write(`${text}\n`),
  }
}

/** Reports a slow step and its duration: a spinner in a terminal, two lines in a log. */
export async function withProgress<R>(terminal: Terminal, doing: string, work: () => Promise<R>): Promise<R> {
  const startedMs = performance.now()
  const took = () => `${doing}: ${((performance.now() - startedMs) / 1000).toFixed(1)} s`
  if (!terminal.isInteractive) {
    terminal.say(`${doing} …`)
    const result = await work()
    terminal.say(took())
    return result
  }
  const line = spinner({ indicator: "timer" })
  line.start(doing)
  try {
    return await work()
  } finally {
    line.stop(took())
  }
}
