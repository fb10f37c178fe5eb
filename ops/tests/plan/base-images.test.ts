import { expect } from 'chai';
import {
  type BaseImages,
  imagesToBuild,
  parseBuiltImages,
  replaceableImages,
} from '../../src/plan/base-images.ts';

const official: BaseImages = {
  POSTGRES_IMAGE: 'postgres:17',
  REDIS_IMAGE: 'redis:8',
  NGINX_IMAGE: 'nginx:1',
  CERTBOT_IMAGE: 'certbot/certbot:v5',
  NODE_IMAGE: 'node:24-slim',
};

describe('base images', () => {
  it("leaves an operator's own image alone", () => {
    const current = { ...official, POSTGRES_IMAGE: 'registry.example/pg:17' };
    expect(replaceableImages(current, official)).to.have.length(4).and.not.include('POSTGRES_IMAGE');
  });

  it('builds what is still official or no longer on the engine', () => {
    const current = {
      ...official,
      REDIS_IMAGE: 'atlas-base/redis:8.0',
      NGINX_IMAGE: 'atlas-base/nginx:1.30',
    };
    const missing = imagesToBuild(current, official, new Set(['atlas-base/redis:8.0']));
    expect(missing).to.deep.equal(['POSTGRES_IMAGE', 'NGINX_IMAGE', 'CERTBOT_IMAGE', 'NODE_IMAGE']);
  });

  it('reads only well-formed lines of the build', () => {
    expect(
      parseBuiltImages('POSTGRES_IMAGE=atlas-base/postgres:17.1\nnoise\nEVIL_IMAGE=x\nNODE_IMAGE=\n'),
    ).to.deep.equal({
      POSTGRES_IMAGE: 'atlas-base/postgres:17.1',
    });
  });
});
