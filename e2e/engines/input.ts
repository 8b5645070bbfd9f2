// Keys and clicks as both protocols take them: https://www.w3.org/TR/webdriver2/#actions and the same in WebDriver BiDi.

export interface InputSource {
  readonly type: "key" | "pointer"
  readonly id: string
  readonly actions: readonly Readonly<Record<string, unknown>>[]
}

/** The code points that stand for keys without a character. */
export const ENTER = "\uE007"
export const END = "\uE010"

export function keys(text: string): InputSource {
  const actions = Array.from(text).flatMap((value) => [
    { type: "keyDown", value },
    { type: "keyUp", value },
  ])
  return { type: "key", id: "keyboard", actions }
}

export function clicks(at: { readonly x: number; readonly y: number }, count: number): InputSource {
  const move = { type: "pointerMove", duration: 0, origin: "viewport", x: Math.round(at.x), y: Math.round(at.y) }
  const click = [
    { type: "pointerDown", button: 0 },
    { type: "pointerUp", button: 0 },
  ]
  return { type: "pointer", id: "mouse", actions: [move, ...Array.from({ length: count }, () => click).flat()] }
}
