/** A name as SQL has it in a statement: `we"ird` becomes `"we""ird"`. */
export function quotedName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A text as SQL has it where no parameter is bound, as in a view or a trigger. */
export function quotedText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
