// What the app renders, and what a person would see and could call.
import { type QueryClient, QueryClientProvider, QueryErrorResetBoundary } from "@tanstack/react-query"
import * as React from "react"
import {
  Component,
  type ReactNode,
  StrictMode,
  Suspense,
  useEffect,
  useLayoutEffect,
  useState,
  useTransition,
} from "react"
import {
  type DismissibleRejection,
  type LfError,
  LfProvider,
  type Receipt,
  useDocument,
  useMutation,
  useQuery,
  useRejectedMutations,
  useSuspenseQuery,
} from "../../packages/react/src/index.ts"
import { type Item, Put, type PutArgs, type QueryName, queries } from "./shop.ts"
import type { Doc } from "./sim-server.ts"

/** All that decides what is rendered. */
export interface Scene {
  readonly isMounted: boolean
  readonly doc: Doc
  readonly user: string | null
  /** Where the boundary of what suspends is. */
  readonly boundary: "outside" | "inside"
  readonly suspends: QueryName | null
  readonly shows: readonly QueryName[]
  readonly min: number
  readonly isEnabled: boolean
  readonly isHidden: boolean
  /** A layout effect of the new document writes into it. */
  readonly writesOnOpen: boolean
}

export const firstScene: Scene = {
  isMounted: true,
  doc: "a",
  user: null,
  boundary: "inside",
  suspends: null,
  shows: ["all"],
  min: 0,
  isEnabled: true,
  isHidden: false,
  writesOnOpen: false,
}

export interface Shown {
  readonly doc: Doc
  readonly user: string | null
  readonly name: QueryName
  readonly min: number
  readonly isEnabled: boolean
  readonly isPending: boolean
  readonly isFetching: boolean
  readonly rows: readonly Item[] | undefined
  readonly error: LfError | null
  readonly refetch: (() => Promise<unknown>) | null
}

/** What one render returns: a caller that keeps it may call it at any time. */
export interface Handlers {
  readonly doc: Doc
  readonly user: string | null
  readonly mutate: (args: PutArgs) => void
  readonly mutateAsync: (args: PutArgs) => Promise<Receipt>
  readonly document: ReturnType<typeof useDocument>
}

/** What is on the screen now. */
export class Screen {
  readonly shown = new Map<string, Shown>()
  readonly handlers: Handlers[] = []
  rejected: readonly DismissibleRejection[] = []
  fallbacks = 0
  isInTransition = false
  go: (scene: Scene, how: "now" | "transition") => void = () => {}
  scene: Scene = firstScene
  /** Called from a layout effect. */
  onOpen: (handlers: Handlers) => void = () => {}
  onSettled: (id: string, error: LfError | null) => void = () => {}
  onRejected: (id: string) => void = () => {}
  /** An error boundary took it. */
  onCaught: (error: unknown) => void = () => {}
}

interface WithScreen {
  readonly screen: Screen
  readonly scene: Scene
}

export interface AppProps {
  readonly screen: Screen
  readonly connect: () => SharedWorker
  /** Null: each provider makes its own. */
  readonly client: QueryClient | null
  readonly isStrict: boolean
}

export function App({ screen, connect, client, isStrict }: AppProps) {
  const page = <Page screen={screen} connect={connect} />
  const tree = client === null ? page : <QueryClientProvider client={client}>{page}</QueryClientProvider>
  return isStrict ? <StrictMode>{tree}</StrictMode> : tree
}

const Activity = (React as { Activity?: React.ComponentType<{ mode: "visible" | "hidden"; children: ReactNode }> })
  .Activity
export const hasActivity = Activity !== undefined

function Page({ screen, connect }: { screen: Screen; connect: () => SharedWorker }) {
  const [scene, setScene] = useState(screen.scene)
  const [isPending, start] = useTransition()
  useLayoutEffect(() => {
    screen.isInTransition = isPending
    screen.go = (next, how) => {
      screen.scene = next
      if (how === "transition") start(() => setScene(next))
      else setScene(next)
    }
  })
  const list = <List screen={screen} scene={scene} connect={connect} />
  const hideable =
    Activity === undefined ? list : <Activity mode={scene.isHidden ? "hidden" : "visible"}>{list}</Activity>
  return <Suspense fallback={<Fallback screen={screen} />}>{scene.isMounted ? hideable : null}</Suspense>
}

function List({ screen, scene, connect }: WithScreen & { connect: () => SharedWorker }) {
  const { doc, user, boundary, suspends } = scene
  const suspending = suspends === null ? null : <Suspending screen={screen} scene={scene} name={suspends} />
  return (
    <LfProvider
      doc={doc}
      user={user}
      worker={() => connect()}
      {...(user === null ? {} : { auth: () => Promise.resolve(user) })}
    >
      <Writer screen={screen} scene={scene} />
      <QueryErrorResetBoundary>
        {({ reset }) => (
          <Catch key={`${doc}/${user}/${suspends}`} screen={screen} onReset={reset}>
            {boundary === "inside" ? (
              <Suspense fallback={<Fallback screen={screen} />}>{suspending}</Suspense>
            ) : (
              suspending
            )}
          </Catch>
        )}
      </QueryErrorResetBoundary>
      {scene.shows.map((name, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the same query may be shown twice
        <Plain key={`${i}/${name}`} id={`${i}`} screen={screen} scene={scene} name={name} />
      ))}
    </LfProvider>
  )
}

function Writer({ screen, scene: { doc, user, writesOnOpen } }: WithScreen) {
  const { mutate, mutateAsync } = useMutation(Put, {
    onSettled: (_receipt, error, { id }) => screen.onSettled(id, error),
    onRejected: (_rejected, { id }) => screen.onRejected(id),
  })
  const document = useDocument()
  screen.rejected = useRejectedMutations()
  const handlers: Handlers = { doc, user, mutate, mutateAsync, document }
  // biome-ignore lint/correctness/useExhaustiveDependencies: those of one render for each document
  useEffect(() => {
    screen.handlers.push(handlers)
    if (screen.handlers.length > 20) screen.handlers.splice(0, 5)
  }, [doc, user])
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each document
  useLayoutEffect(() => {
    if (writesOnOpen) screen.onOpen(handlers)
  }, [doc, user, writesOnOpen])
  return null
}

function Plain({ id, screen, scene, name }: WithScreen & { id: string; name: QueryName }) {
  const { doc, user, min, isEnabled } = scene
  const { data, error, isPending, isFetching, refetch } = useQuery(queries[name](min), { enabled: isEnabled })
  useShown(screen, id, { doc, user, name, min, isEnabled, isPending, isFetching, rows: data, error, refetch })
  return null
}

function Suspending({ screen, scene, name }: WithScreen & { name: QueryName }) {
  const { doc, user, min } = scene
  const { data, error } = useSuspenseQuery(queries[name](min))
  useShown(screen, "suspending", {
    doc,
    user,
    name,
    min,
    isEnabled: true,
    isPending: false,
    isFetching: false,
    rows: data,
    error,
    refetch: null,
  })
  return null
}

function useShown(screen: Screen, id: string, shown: Shown): void {
  useLayoutEffect(() => {
    screen.shown.set(id, shown)
  })
  useLayoutEffect(() => () => void screen.shown.delete(id), [screen, id])
}

function Fallback({ screen }: { screen: Screen }) {
  useLayoutEffect(() => {
    screen.fallbacks++
    return () => void screen.fallbacks--
  }, [screen])
  return null
}

/** An error boundary that a Retry resets after a while. */
class Catch extends Component<{ screen: Screen; onReset: () => void; children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null }
  #timer: ReturnType<typeof setTimeout> | undefined

  static getDerivedStateFromError(error: unknown) {
    return { error }
  }

  override componentDidCatch(error: unknown): void {
    this.props.screen.onCaught(error)
    this.#retryLater()
  }

  /** Also when it is shown again after it was hidden. */
  override componentDidMount(): void {
    if (this.state.error !== null) this.#retryLater()
  }

  override componentWillUnmount(): void {
    clearTimeout(this.#timer)
  }

  #retryLater(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.props.onReset()
      this.setState({ error: null })
    }, 5_000)
  }

  override render() {
    return this.state.error === null ? this.props.children : null
  }
}
