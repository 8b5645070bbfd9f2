import { describe, expect, test } from "vitest"
import { checkOrigins, isOriginAllowed } from "./origin.ts"

const host = "app.example.com"
const plain = { host, hasCookie: true, isSecure: false }

describe("S1 who may open a socket", () => {
  test.each([
    ["the same origin", { ...plain, origin: "http://app.example.com" }, true],
    [
      "the same origin behind a proxy that ends TLS and does not say so",
      { ...plain, origin: "https://app.example.com" },
      true,
    ],
    ["the same origin over TLS", { ...plain, origin: "https://app.example.com", isSecure: true }, true],
    ["the plain twin of a TLS origin", { ...plain, origin: "http://app.example.com", isSecure: true }, false],
    ["another site", { ...plain, origin: "https://evil.example" }, false],
    ["another port of the same machine", { ...plain, origin: "http://localhost:3001", host: "localhost:3000" }, false],
    ["a name that begins like ours", { ...plain, origin: "https://app.example.com.evil.example" }, false],
    ["a name that ends like ours", { ...plain, origin: "https://evil-app.example.com" }, false],
    ["our name under another scheme", { ...plain, origin: "ws://app.example.com" }, false],
    ["a sandboxed frame or a file", { ...plain, origin: "null" }, false],
    ["an empty Origin", { ...plain, origin: "" }, false],
    ["two Origins", { ...plain, origin: "https://evil.example, http://app.example.com" }, false],
    ["no Host", { ...plain, origin: "http://app.example.com", host: undefined }, false],
    ["an allowed origin", { ...plain, origin: "https://web.example.com" }, true],
    ["an allowed origin's plain twin", { ...plain, origin: "http://web.example.com" }, false],
    ["no browser, no cookie", { ...plain, origin: undefined, hasCookie: false }, true],
    ["no Origin but a cookie", { ...plain, origin: undefined }, false],
  ])("%s", (_name, request, isAllowed) => {
    expect(isOriginAllowed(request, checkOrigins(["https://web.example.com"]))).toBe(isAllowed)
  })

  test.each(["https://a.example/", "a.example", "https://*.a.example/x", "https://A.example", "*"])(
    "%s is refused as an allowed origin",
    (origin) => {
      expect(() => checkOrigins([origin])).toThrow(TypeError)
    },
  )
})
