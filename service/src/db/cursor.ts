/**
 * Where a page of the list ended, opaque to the client. The list goes by id alone: timestamps lose their
 * microseconds in JavaScript, and a cursor that rounds would skip rows or repeat them.
 */
export function encodeCursor(lastId: number): string {
  return Buffer.from(`id:${lastId}`).toString('base64url');
}

/** The id in a cursor, or undefined when it is not one of ours. */
export function decodeCursor(cursor: string): number | undefined {
  const match = /^id:([1-9]\d{0,14})$/.exec(Buffer.from(cursor, 'base64url').toString('utf8'));
  return match ? Number(match[1]) : undefined;
}
