/** What a registry wants to see before it gives a private image away. */
export interface RegistryLogin {
  user: string;
  token: string;
}

/** A line "USER TOKEN". @returns null for an empty one, undefined for anything else */
export function parseRegistryLogin(line: string): RegistryLogin | null | undefined {
  if (line.trim() === '') return null;
  const [, user, token] = /^(\S{1,256}) (\S{1,8000})$/.exec(line.trim()) ?? [];
  return user && token ? { user, token } : undefined;
}

const DOCKER_HUB = 'https://index.docker.io/v1/';

/**
 * The value of the engine's header X-Registry-Auth: JSON in base64url, padded, which Node's is not. What the engine
 * cannot decode it takes for no login at all, without a word.
 * https://docs.docker.com/reference/api/engine/version/v1.41/#section/Authentication
 */
export function formatRegistryAuth({ user, token }: RegistryLogin, reference: string): string {
  const value = { username: user, password: token, serveraddress: registryOf(reference) };
  return Buffer.from(JSON.stringify(value)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

/** The registry in an image reference: what is before the first slash, if that looks like a host. */
function registryOf(reference: string): string {
  const [first = '', ...rest] = reference.split('/');
  return rest.length > 0 && /[.:]|^localhost$/.test(first) ? first : DOCKER_HUB;
}
