import { describe, expect, test } from "vitest"
import { checkOrigins, isOriginAllowed } from "./origin.ts"

const host = "app.example.com"
const plain = { host, hasCookie: true, isSecure: false }

describe("origins that may open a socket (S1)", () => {
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
    ["our name with a trailing dot", { ...plain, origin: "http://app.example.com." }, false],
    [
      "the same origin with a trailing dot",
      { ...plain, host: "app.example.com.", origin: "http://app.example.com." },
      true,
    ],
    ["upper case, which no browser sends", { ...plain, origin: "HTTP://APP.EXAMPLE.COM" }, false],
    ["a Host in upper case", { ...plain, host: "APP.Example.com", origin: "http://app.example.com" }, true],
    [
      "a Host with the default port written out",
      { ...plain, host: `${host}:80`, origin: "http://app.example.com" },
      true,
    ],
    ["a Host with TLS's port written out", { ...plain, host: `${host}:443`, origin: "https://app.example.com" }, true],
    ["a Host with another port", { ...plain, host: `${host}:8080`, origin: "http://app.example.com" }, false],
    ["an IPv6 address", { ...plain, host: "[::1]:3000", origin: "http://[::1]:3000" }, true],
    [
      "an IPv6 address, written at length",
      { ...plain, host: "[0:0:0:0:0:0:0:1]:3000", origin: "http://[::1]:3000" },
      true,
    ],
    ["another IPv6 address", { ...plain, host: "[::1]:3000", origin: "http://[::2]:3000" }, false],
    ["localhost under its other name", { ...plain, host: "localhost:3000", origin: "http://127.0.0.1:3000" }, false],
    ["punycode", { ...plain, host: "xn--bcher-kva.example", origin: "http://xn--bcher-kva.example" }, true],
    ["a Host in Unicode", { ...plain, host: "bücher.example", origin: "http://xn--bcher-kva.example" }, true],
    ["a look-alike in Cyrillic", { ...plain, host: "example.com", origin: "http://xn--xample-2of.com" }, false],
    ["a Host that hides another", { ...plain, host: "x@evil.example", origin: "http://evil.example" }, false],
    ["a Host with a path", { ...plain, host: "evil.example/", origin: "http://evil.example" }, false],
    ["an origin with a path", { ...plain, origin: "http://app.example.com/" }, false],
    ["an origin with a user", { ...plain, origin: "http://evil@app.example.com" }, false],
    ["an extension", { ...plain, origin: "chrome-extension://abcdefghijklmnop" }, false],
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
