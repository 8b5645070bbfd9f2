// Before each test file of core: what an earlier file has put in the place of the portable deflater is gone.
import * as deflate from "../packages/core/src/base/deflate.ts"

deflate.useDeflater(null)
