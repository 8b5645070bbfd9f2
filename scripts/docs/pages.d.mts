export interface Page {
  /** Below /docs; empty for the first page. */
  readonly slug: string
  /** From the root of the repository. */
  readonly file: string
  readonly title: string
  /** Empty: not in the sidebar. */
  readonly section: string
  readonly summary: string
}

export function readPages(): readonly Page[]
export function readText(file: string): string
export function slugOf(file: string): string
export function addressOf(file: string, href: string): string | null
