import type { TokenAnswer } from "../rpc/protocol.ts"

export type Auth = () => Promise<string | null>

/**
 * Answers the worker's token requests. While one `auth()` of this tab is under way, for instance a login dialog, further
 * requests wait for its result instead of opening a second dialog.
 */
export class TokenAnswers {
  #underWay: { readonly auth: Auth; readonly answer: Promise<TokenAnswer> } | null = null

  async answer(auth: Auth | undefined): Promise<TokenAnswer> {
    if (auth === undefined) return { type: "none" }
    if (this.#underWay?.auth !== auth) {
      const answer = ask(auth).finally(() => {
        if (this.#underWay?.auth === auth) this.#underWay = null
      })
      this.#underWay = { auth, answer }
    }
    return await this.#underWay.answer
  }
}

async function ask(auth: Auth): Promise<TokenAnswer> {
  try {
    const token = await auth()
    return typeof token === "string" && token !== "" ? { type: "token", token } : { type: "none" }
  } catch (error) {
    return { type: "failed", message: `auth() threw ${error instanceof Error ? error.message : String(error)}` }
  }
}
