// Before the tests of each file of core: what an earlier file has put in the place of the portable deflater is gone.
import { beforeAll } from "vitest"
import { useDeflater } from "../packages/core/src/base/deflate.ts"

beforeAll(() => useDeflater(null))
