let held: number | null = null;

/** Remembers the descriptor that carries the lock while a changing verb runs. */
export function holdDescriptor(descriptor: number | null): void {
  held = descriptor;
}

/** A descriptor of ours for a command's `stdio`. execa passes it on as it is, but its types do not know it. */
export const passDescriptor = (descriptor: number) => descriptor as unknown as 'inherit';

/**
 * What a command inherits beyond its three streams: the lock, if it is held, so that a command which
 * outlives us keeps everybody else away.
 */
export function inheritedDescriptors(): 'inherit'[] {
  return held === null ? [] : [passDescriptor(held)];
}
