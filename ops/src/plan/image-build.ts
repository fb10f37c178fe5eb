/** What every build of the service's image is made from. */
export interface ImageBuild {
  /** The checkout, which is also the build's context. */
  root: string;
  imageName: string;
  tag: string;
  nodeImage: string;
  /** Where npm gets its packages, when this machine has another place than the usual one. */
  npmRegistry?: string;
  /** File with the certificate of the authority that npm must know, behind a proxy with its own. */
  authorityFile?: string;
}

/** What a published image says about where it comes from. */
export interface Publication {
  /** Such as linux/amd64. */
  platforms: readonly string[];
  /** Address of the repository, without credentials; null when the checkout has no remote one. */
  source: string | null;
  /** The commit's full hash, and its time (ISO 8601). */
  revision: string;
  committedAt: string;
  /** The builder of buildx; null: the one that BUILDX_BUILDER names. */
  builder: string | null;
  /** Where buildx writes the digest of what it pushed. */
  metadataFile: string;
}

const commonArguments = ({ root, imageName, tag, nodeImage, npmRegistry, authorityFile }: ImageBuild) => [
  '--progress=plain',
  `--file=${root}/service/Dockerfile`,
  `--tag=${imageName}:${tag}`,
  `--build-arg=NODE_IMAGE=${nodeImage}`,
  `--build-arg=RELEASE=${tag}`,
  ...(npmRegistry ? [`--build-arg=NPM_CONFIG_REGISTRY=${npmRegistry}`] : []),
  ...(authorityFile ? [`--secret=id=ca,src=${authorityFile}`] : []),
];

/** Arguments of docker that build the image for this engine. */
export function localBuild(build: ImageBuild): string[] {
  return ['buildx', 'build', '--load', '--network=host', ...commonArguments(build), build.root];
}

/**
 * Arguments of docker that build the image for every platform and push it, with a cache in the registry beside
 * it, a list of what is in it (SBOM) and how it was built (provenance).
 * https://docs.docker.com/build/metadata/attestations/
 * https://github.com/opencontainers/image-spec/blob/main/annotations.md
 */
export function publishedBuild(build: ImageBuild, publication: Publication): string[] {
  const { platforms, source, revision, committedAt, builder, metadataFile } = publication;
  const cache = `type=registry,ref=${build.imageName}:buildcache`;
  const origin = {
    ...(source ? { 'org.opencontainers.image.source': source } : {}),
    'org.opencontainers.image.revision': revision,
    'org.opencontainers.image.created': committedAt,
  };
  // Registries show what the index says; the labels of each platform's image are what an engine shows.
  const onIndex = {
    'org.opencontainers.image.description': 'Directory of salons: api, worker and migrate',
    'org.opencontainers.image.licenses': 'MIT',
    'org.opencontainers.image.version': build.tag,
    ...origin,
  };
  return [
    'buildx',
    'build',
    ...(builder ? [`--builder=${builder}`] : []),
    `--platform=${platforms.join(',')}`,
    '--push',
    '--sbom=true',
    '--provenance=mode=max',
    `--cache-from=${cache}`,
    // A cache that cannot be written makes the next build slower, and that is all.
    `--cache-to=${cache},mode=max,image-manifest=true,oci-mediatypes=true,ignore-error=true`,
    `--metadata-file=${metadataFile}`,
    ...Object.entries(origin).map(([key, value]) => `--label=${key}=${value}`),
    ...Object.entries(onIndex).map(([key, value]) => `--annotation=index:${key}=${value}`),
    ...commonArguments(build),
    build.root,
  ];
}

/**
 * The web address of a git remote, without user and token: https stays https, git@host:path and ssh:// become it.
 * @returns null for a path on this machine or anything else
 */
export function sourceUrl(remote: string): string | null {
  const [, host, path] =
    /^(?:https|ssh|git):\/\/(?:[^@/]*@)?([^/:]+)(?::\d+)?\/(.+?)(?:\.git)?\/?$/.exec(remote) ??
    /^(?:[\w.-]+@)?([\w-]+(?:\.[\w-]+)+):(?!\/)(.+?)(?:\.git)?\/?$/.exec(remote) ??
    [];
  return host && path ? `https://${host}/${path}` : null;
}

/** The registry that an image's name begins with, such as ghcr.io; null when docker would take its own. */
export function registryOf(imageName: string): string | null {
  const [first = '', ...rest] = imageName.split('/');
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost') ? first : null;
}

/** Reads `linux/amd64,linux/arm64`. @returns null when it is no such list */
export function parsePlatforms(text: string): string[] | null {
  const platforms = text.split(',');
  return platforms.every((one) => /^linux\/[a-z0-9]+(\/v\d+)?$/.test(one)) ? platforms : null;
}
