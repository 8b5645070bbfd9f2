// Finds Firefox and WebKitGTK for the scenes in other engines (e2e/engines.spec.ts), or installs Debian's packages of them.
import { run, say } from "./run.mjs"
import { findTool, install } from "./tools.mjs"

/** What e2e/engines/webkit-window.py imports. */
const bindings = ["python3-gi", "gir1.2-webkit2-4.1"]

/** Says what is missing. Answers the environment of the scenes: the programs' paths, and which engines are to be run. */
export async function findBrowsers() {
  const env = {}
  const engines = []
  for (const [name, find] of [
    ["Firefox", findFirefox],
    ["WebKitGTK", findWebKit],
  ]) {
    try {
      Object.assign(env, await find())
      engines.push(name)
    } catch (error) {
      process.stderr.write(`${error.message}\n`)
      // Linux has all of them: there the scenes are run all the same, and fail.
      if (process.platform === "linux") engines.push(name)
      else say(`the scenes in ${name} are left out`)
    }
  }
  return { ...env, LF_ENGINES: engines.join() }
}

async function findFirefox() {
  return { LF_FIREFOX_ESR: await findTool("firefox-esr") }
}

async function findWebKit() {
  const LF_WEBKITWEBDRIVER = await findTool("WebKitWebDriver", "webkit2gtk-driver")
  const LF_XVFB = await findTool("Xvfb", "xvfb")
  if (!(await hasBindings()) && !((await install(...bindings)) && (await hasBindings()))) {
    throw new Error(
      `Python cannot open windows of WebKitGTK, and what it lacks could not be installed (on Debian: apt-get install ${bindings.join(" ")}).`,
    )
  }
  return { LF_WEBKITWEBDRIVER, LF_XVFB }
}

async function hasBindings() {
  const program = 'import gi; gi.require_version("WebKit2", "4.1")'
  return (await run("/usr/bin/python3", ["-c", program], { quiet: true })).code === 0
}
