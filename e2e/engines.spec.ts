import { firefox } from "./engines/firefox.ts"
import { pictures } from "./engines/pictures.ts"
import { Profile } from "./engines/profile.ts"
import { type Stage, scenes } from "./engines/scenes.ts"
import { Display, webkit } from "./engines/webkit.ts"
import { Server } from "./server.ts"
import { test as anyTest } from "./test.ts"

// The scenes in Firefox and WebKitGTK; docs/browsers.md says what each engine can run.

/** These tests close their own tabs: no Chromium is started for them. */
const test = anyTest.extend({ closesContexts: null })

let server: Server
const { LF_FIREFOX_ESR, LF_WEBKITWEBDRIVER, LF_XVFB, LF_ENGINES, LF_PICTURES } = process.env
const display = new Display(LF_XVFB ?? "Xvfb")
const engines = [
  firefox(LF_FIREFOX_ESR ?? "firefox-esr"),
  webkit(LF_WEBKITWEBDRIVER ?? "WebKitWebDriver", () => display.name()),
].filter(({ name }) => LF_ENGINES === undefined || LF_ENGINES.split(",").includes(name))

test.beforeAll(async () => {
  server = await Server.start()
})
test.afterAll(async () => {
  await server[Symbol.asyncDispose]()
  await display[Symbol.asyncDispose]()
})

for (const engine of engines)
  for (const lacksSharedWorker of [false, true])
    test.describe(lacksSharedWorker ? `${engine.name} without SharedWorker` : engine.name, () => {
      // One scene after the other, beside those of the other engine.
      test.describe.configure({ mode: "default" })
      const open = (isPrivate: boolean) => new Profile(engine, { isPrivate, lacksSharedWorker })
      let stage: Stage
      test.beforeAll(() => {
        stage = { engine, lacksSharedWorker, server, profile: open(false), hidden: open(true) }
      })
      test.afterEach(async () => {
        for (const profile of [stage.profile, stage.hidden]) await profile.closeTabs()
      })
      test.afterAll(async () => {
        for (const profile of [stage.profile, stage.hidden]) await profile[Symbol.asyncDispose]()
      })

      if (LF_PICTURES === undefined) for (const [name, scene] of Object.entries(scenes)) test(name, () => scene(stage))
      else if (!lacksSharedWorker) test("pictures", () => pictures(stage, LF_PICTURES))
    })
