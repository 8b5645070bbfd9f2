import { withLf } from "@lf/next/config"

// withLf adds what lf needs, and a content security policy that you can replace by headers of your own.
export default withLf({
  cacheComponents: true,
  partialPrefetching: true,
  poweredByHeader: false,
})
