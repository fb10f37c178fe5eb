/** The command line or the environment is wrong: the process says what is expected and ends with code 2. */
export class UsageError extends Error {
  override name = 'UsageError';
}
