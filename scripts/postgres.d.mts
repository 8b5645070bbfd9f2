export interface StartedPostgres {
  readonly port: number
  readonly connectionString: string
  readonly smallDisk: string
  cut(): Promise<void>
  start(): Promise<void>
  restart(): Promise<void>
  stop(): Promise<void>
}
export function findPostgres(): Promise<string>
export function startPostgres(options?: { readonly smallDiskBytes?: number }): Promise<StartedPostgres>
export function startStandby(port: number): Promise<StartedPostgres>
