export type Failure = { readonly name: string; readonly message: string }
export function readReport(file: string): { passed: number; failed: number; failures: Failure[] }
export function describeFailures(failures: readonly Failure[]): string
export function lastLines(output: string): string
