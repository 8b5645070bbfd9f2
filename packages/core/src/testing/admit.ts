import type { Host } from "../base/host.ts"
import type { Hello } from "../network/message.ts"
import type { Pipe } from "../network/network.ts"
import type { Admission, ConnectableDocument } from "../remote/admission.ts"
import { ClientConnection } from "../remote/client-connection.ts"
import type { Rights } from "../remote/rights.ts"

interface Admitted extends Rights {
  readonly remote: ConnectableDocument
}

/** Admits each client to the document that `admit` answers; what it throws is the refusal. */
export function admission(admit: (hello: Hello) => Admitted | Promise<Admitted>): Admission<Admitted> {
  return {
    authorize: async (hello) => admit(hello),
    openDocument: async (_hello, { remote }) => ({ remote, release: () => {} }),
  }
}

/** A server's end of `pipe`, which admits the client to `remote`: by default as an anonymous user that may write everything. */
export function serve(
  pipe: Pipe,
  host: Host,
  remote: ConnectableDocument,
  rights: Partial<Rights> = {},
): ClientConnection<Admitted> {
  return new ClientConnection({ pipe, host, admission: admission(() => ({ remote, user: null, ...rights })) })
}
