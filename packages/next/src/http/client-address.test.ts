import { describe, expect, test } from "vitest"
import { addressOf, checkProxies, hostOf } from "./client-address.ts"

const peer = "10.0.0.9"

describe("the address that a connection counts towards (S7)", () => {
  test.each<[string, string | undefined, Record<string, string>, number, string]>([
    ["the peer, whatever a header says", peer, { "x-forwarded-for": "1.2.3.4" }, 0, peer],
    ["behind one proxy: what it added last", peer, { "x-forwarded-for": "6.6.6.6, 1.2.3.4" }, 1, "1.2.3.4"],
    ["behind two: the last but one", peer, { "x-forwarded-for": "6.6.6.6, 1.2.3.4, 10.0.0.1" }, 2, "1.2.3.4"],
    ["fewer entries than proxies", peer, { "x-forwarded-for": "1.2.3.4" }, 3, "1.2.3.4"],
    ["a proxy that says nothing", peer, {}, 1, peer],
    ["a proxy that says nonsense", peer, { "x-forwarded-for": "unknown" }, 1, peer],
    ["an address with its port", peer, { "x-forwarded-for": "1.2.3.4:5678" }, 1, "1.2.3.4"],
    ["RFC 7239", peer, { forwarded: 'for=6.6.6.6, For="[2001:db8:1:2::9]:44";proto=https' }, 1, "2001:db8:1:2::/64"],
    ["an IPv6 address: its /64", "2001:db8:1:2:3:4:5:6", {}, 0, "2001:db8:1:2::/64"],
    ["an abbreviated one", "2001:DB8::1", {}, 0, "2001:db8:0:0::/64"],
    ["leading zeros", "2001:0db8:0001:0002::1", {}, 0, "2001:db8:1:2::/64"],
    ["the machine itself", "::1", {}, 0, "0:0:0:0::/64"],
    ["IPv4 in IPv6's clothes", "::ffff:1.2.3.4", {}, 0, "1.2.3.4"],
    ["a zone", "fe80::1%eth0", {}, 0, "fe80:0:0:0::/64"],
    ["IPv4 of many digits in IPv6's clothes", "::FFFF:112.134.156.178", {}, 0, "112.134.156.178"],
    ["an address that is abbreviated at its front", "::2:3:4:5:6:7:8", {}, 0, "0:2:3:4::/64"],
    ["one that ends with IPv4", "::2:3:4:5:6:1.2.3.4", {}, 0, "0:2:3:4::/64"],
    ["one that is abbreviated at its end", "2001:db8::", {}, 0, "2001:db8:0:0::/64"],
    ["one that is abbreviated in the middle", "1::4:5:6:7:8", {}, 0, "1:0:0:4::/64"],
    ["no address at all", undefined, {}, 0, "unknown"],
    ["a header without entries", peer, { "x-forwarded-for": " , " }, 1, peer],
    ["entries that are empty count for no proxy", peer, { "x-forwarded-for": "1.2.3.4, ,10.0.0.1" }, 2, "1.2.3.4"],
    ["a port that is none", peer, { "x-forwarded-for": "1.2.3.4:5x" }, 1, peer],
    ["brackets without a port", peer, { "x-forwarded-for": "[2001:db8:1:2::9]" }, 1, "2001:db8:1:2::/64"],
    ["something before the brackets", peer, { "x-forwarded-for": "x[2001:db8:1:2::9]:4" }, 1, peer],
    ["something behind the brackets", peer, { "x-forwarded-for": "[2001:db8:1:2::9]:4x" }, 1, peer],
    ["RFC 7239 with blanks", peer, { forwarded: "proto=https; for=1.2.3.4 ;by=x" }, 1, "1.2.3.4"],
    ["RFC 7239 with a hop that does not say it", peer, { forwarded: "for=1.2.3.4, proto=https, for" }, 2, "1.2.3.4"],
  ])("%s", (_name, remoteAddress, headers, hops, address) => {
    expect(addressOf({ remoteAddress, headers }, hops)).toBe(address)
  })
})

describe("which host a request was for (S1)", () => {
  const headers = { host: "internal:3000", "x-forwarded-host": "app.example.com" }
  test.each<[string, Record<string, string>, number, string | undefined]>([
    ["Host, whatever a forwarding header says", headers, 0, "internal:3000"],
    ["X-Forwarded-Host of a trusted proxy", headers, 1, "app.example.com"],
    [
      "Forwarded of a trusted proxy",
      { host: "internal:3000", forwarded: "for=1.1.1.1;host=app.example.com" },
      1,
      "app.example.com",
    ],
    ["Host, when a trusted proxy says nothing", { host: "app.example.com" }, 1, "app.example.com"],
    ["of several trusted proxies the one that is so far away", { ...headers, "x-forwarded-host": "a, b, c" }, 2, "b"],
    ["the first, when there are fewer than proxies", { ...headers, "x-forwarded-host": "a, b" }, 3, "a"],
    ["none", {}, 0, undefined],
  ])("%s", (_name, headers, hops, host) => {
    expect(hostOf({ headers }, hops)).toBe(host)
  })
})

test("a header that came several times counts as one list (S7)", () => {
  const headers = { "x-forwarded-for": ["6.6.6.6", "1.2.3.4"] } as never // Node joins it; other servers do not
  expect(addressOf({ remoteAddress: peer, headers }, 1)).toBe("1.2.3.4")
  expect(addressOf({ remoteAddress: peer, headers }, 2)).toBe("6.6.6.6")
})

test("trustProxy is a number of proxies; true, which would trust any header, is refused (S7)", () => {
  expect([0, 1, 32].map(checkProxies)).toEqual([0, 1, 32])
  for (const wrong of [true, "1", -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 33])
    expect(() => checkProxies(wrong)).toThrow(TypeError)
})
