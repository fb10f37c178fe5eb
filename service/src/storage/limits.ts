/** The most pixels an image may decode to: a 16000x16000 bomb is 63 MB of memory to refuse, 1 GB to open. */
export const MAX_PIXELS = 50_000_000;
