export interface StartedPostgres {
  readonly port: number
  readonly connectionString: string
  cut(): Promise<void>
  start(): Promise<void>
  restart(): Promise<void>
  stop(): Promise<void>
}
export function findPostgres(): Promise<string>
export function startPostgres(): Promise<StartedPostgres>
