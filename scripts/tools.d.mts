/** The path of `program`, which Debian has in a package of the same or of another name. @throws when there is none */
export function findTool(program: string, debianPackage?: string): Promise<string>
