// Taken before a test installs fake timers: those move the page's time alone.
const { setTimeout: startTimer, MessageChannel: Channel } = globalThis as {
  readonly setTimeout: typeof setTimeout
  // Jest's jsdom has none.
  readonly MessageChannel?: typeof MessageChannel
}

/** Resolves in a later turn of the event loop, where it can without the least delay of a timer. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (Channel === undefined) {
      startTimer(resolve, 0)
      return
    }
    const { port1, port2 } = new Channel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}
