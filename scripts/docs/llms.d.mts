import type { Page } from "./pages.d.mts"

export function manualPages(): readonly Page[]
export function llmsText(urlOf: (slug: string) => string): string
export function llmsFullText(): string
export function packedText(file: string, from: string): string
