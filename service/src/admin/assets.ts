import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from 'koa';
import { assetFiles } from './asset-files.ts';

export const ASSET_PREFIX = '/admin/frontend/assets/';

export interface Assets {
  /** Answers with the asset the path names, or 404. For GET and HEAD. */
  send(ctx: Context): Promise<void>;
  /** The asset's URL with its content hash, which may be cached for ever. */
  url(name: string): Promise<string>;
}

/** The panel's static files. They hold nothing secret, so they are served to anyone who asks. */
export function panelAssets(): Assets {
  let found: Promise<Map<string, string>> | undefined;
  const files = () => {
    found ??= assetFiles();
    return found;
  };
  const versions = new Map<string, Promise<string>>();

  async function hashFile(file: string): Promise<string> {
    return createHash('sha256')
      .update(await readFile(file))
      .digest('base64url')
      .slice(0, 12);
  }

  function version(name: string, file: string): Promise<string> {
    const known = versions.get(name) ?? hashFile(file);
    versions.set(name, known);
    known.catch(() => versions.delete(name));
    return known;
  }

  async function url(name: string): Promise<string> {
    const file = (await files()).get(name);
    if (!file) throw new Error(`No panel asset is called ${name}`);
    return `${ASSET_PREFIX}${name}?v=${await version(name, file)}`;
  }

  async function send(ctx: Context): Promise<void> {
    const name = ctx.path.slice(ASSET_PREFIX.length);
    const file = (await files()).get(name);
    if (!file) return ctx.throw(404);
    const current = await version(name, file);
    // During a deploy the old page may ask the new release: only a matching version may be kept for ever.
    const isPinned = ctx.query.v === current;
    ctx.set('Cache-Control', isPinned ? 'public, max-age=31536000, immutable' : 'public, max-age=300');
    ctx.type = path.extname(name);
    ctx.etag = current;
    ctx.vary('Accept-Encoding');
    ctx.status = 200;
    if (ctx.fresh) {
      ctx.status = 304;
      return;
    }
    const packed = `${file}.br`;
    const body = ctx.acceptsEncodings('br', 'identity') === 'br' && existsSync(packed) ? packed : file;
    if (body === packed) ctx.set('Content-Encoding', 'br');
    ctx.length = (await stat(body)).size;
    ctx.body = createReadStream(body);
  }

  return { send, url };
}
