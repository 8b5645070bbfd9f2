/** Resolves with the one message that the script sends. */
export function apart<Message>(script: string, args: readonly (string | number | boolean)[]): Promise<Message>
