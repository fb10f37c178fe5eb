import { expect } from 'chai';
import { send, waitFor } from '../client.ts';
import { stack } from '../stack.ts';

const maintenance = (state: string) => stack().sh('make', 'maintenance', state);
const statusOf = async (path: string) => (await send('GET', path)).status;

describe('make maintenance', function () {
  this.timeout(120_000);

  after(async () => {
    if (!process.env.TEST_NO_ENGINE) await maintenance('off');
  });

  // With ~^/admin taken out of the map the panel answers 503 too.
  it('on: 503 with Retry-After to everything but health and the panel; off: all is back', async () => {
    expect((await maintenance('on')).exitCode).to.equal(0);
    const ask = () => send('GET', '/api/salons');
    const json = await waitFor('maintenance', ask, ({ status }) => status === 503, 20);
    expect(json.headers['retry-after']).to.equal('120');
    expect(json.headers['content-type']).to.equal('application/problem+json');
    expect(json.json()).to.include({ status: 503, detail: 'Maintenance: the service is back soon.' });
    const page = await send('GET', '/', { headers: { accept: 'text/html,*/*' } });
    expect(page.status).to.equal(503);
    expect(page.headers['content-type']).to.equal('text/html; charset=utf-8');
    expect(page.body.toString()).to.contain('<h1>Maintenance</h1>');
    expect(await statusOf('/media/none.webp')).to.equal(503);
    expect(await statusOf('/administration')).to.equal(503);
    for (const path of ['/livez', '/readyz', '/admin/login'])
      expect(await statusOf(path), path).to.equal(200);
    expect((await stack().make('status')).stdout).to.contain('maintenance');

    const tag = stack().settings().IMAGE_TAG ?? '';
    expect((await stack().make('deploy', { TAG: tag })).exitCode, 'deploys go on').to.equal(0);

    expect((await maintenance('off')).exitCode).to.equal(0);
    // A connection that was open before is answered once more by the nginx worker from before.
    await waitFor(
      'the api',
      () => statusOf('/api/salons'),
      (status) => status === 200,
      20,
    );
  });

  it('any other word is refused and changes nothing', async () => {
    const { exitCode, stderr } = await stack().sh('ops/atlas', 'maintenance', 'soon');
    expect(exitCode).to.equal(2);
    expect(stderr).to.contain('"soon" is neither on nor off');
    expect(await statusOf('/api/salons')).to.equal(200);
  });
});
