/** The settings that nginx depends on. */
export interface SiteSettings {
  DOMAIN?: string;
  HTTPS_PORT: string;
  UPLOAD_MAX_MB: string;
  RATE_LIMIT: string;
  TRUSTED_PROXIES?: string;
}

/** Two years, as Mozilla's guideline has it. https://ssl-config.mozilla.org */
const HSTS_SECONDS = 63_072_000;
/** How many seconds' worth of requests a client may send at once: a page with many photos, a provider's shared address. */
const BURST_SECONDS = 4;

/** An address as browsers and certificates' readers spell it (RFC 5952); anything else as it is, in lower case. */
export function normalizeName(name: string): string {
  return name.includes(':') ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name.toLowerCase();
}

/** The names that this server answers to, in the order of .env; none means any. */
export function listNames(settings: Pick<SiteSettings, 'DOMAIN'>): string[] {
  return (settings.DOMAIN ?? '').split(',').filter(Boolean).map(normalizeName);
}

const isAddress = (name: string) => name.includes(':') || /^[\d.]+$/.test(name);

/**
 * What of nginx's configuration comes from .env, by file name; nginx/ includes them as site/NAME. Pure: the
 * same settings give the same text. Every value is one that the schema of .env lets through.
 */
export function renderSite(settings: SiteSettings): Record<string, string> {
  const names = listNames(settings);
  const files = {
    'http.conf': renderHttp(settings, names.length > 0),
    'names.conf': `server_name ${names.map((name) => (name.includes(':') ? `[${name}]` : name)).join(' ') || '~.'};`,
    // Who asks for an address names none in the handshake, so that strangers cannot be told from others there.
    'strangers.conf': names.length > 0 && !names.some(isAddress) ? 'ssl_reject_handshake on;' : '',
    // At once, not in the rhythm of the rate: a page asks for all its photos together.
    'limit.conf': `limit_req zone=requests burst=${Math.max(1, Number(settings.RATE_LIMIT) * BURST_SECONDS)} nodelay;`,
    // One megabyte on top for the multipart envelope: the service, which counts exactly, decides.
    'upload.conf': `client_max_body_size ${Number(settings.UPLOAD_MAX_MB) + 1}m;`,
  };
  const note = '# Written by make deploy from .env.\n';
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [name, `${note}${text}\n`]));
}

function renderHttp({ HTTPS_PORT, RATE_LIMIT, TRUSTED_PROXIES }: SiteSettings, hasNames: boolean): string {
  const port = HTTPS_PORT === '443' ? '' : `:${HTTPS_PORT}`;
  const rate = Number(RATE_LIMIT);
  const proxies = (TRUSTED_PROXIES ?? '').split(',').filter(Boolean);
  return [
    // The port in redirects is the one the outside world uses, which nginx cannot know by itself.
    `map "" $public_port { default "${port}"; }`,
    // A browser holds to it for years: not for a certificate that nobody vouches for.
    `map "" $hsts { default "${hasNames ? `max-age=${HSTS_SECONDS}` : ''}"; }`,
    // An empty key is not counted.
    `map "" $limited { default ${rate > 0 ? '$client' : '""'}; }`,
    `limit_req_zone $limited zone=requests:4m rate=${rate || 1}r/s;`,
    ...proxies.map((range) => `set_real_ip_from ${range};`),
    ...(proxies.length > 0 ? ['real_ip_header X-Forwarded-For;', 'real_ip_recursive on;'] : []),
  ].join('\n');
}
