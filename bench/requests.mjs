// A child's end of what server.mjs asks: `requests` has a function for each type. The child ends with its parent.
export function answerRequests(requests) {
  process.once("disconnect", () => process.exit())
  process.on("message", async ({ id, type, ...args }) => {
    try {
      process.send({ id, value: await requests[type](args) })
    } catch (error) {
      process.send({ id, error: error.stack })
    }
  })
}
