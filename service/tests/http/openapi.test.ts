import { Validator } from '@seriousme/openapi-schema-validator';
import { expect } from 'chai';
import { apiRoutes } from '../../src/http/app.ts';
import { models, operations } from '../../src/http/openapi/operations.ts';
import { startDirectory, type TestDirectory } from '../support/directory.ts';
import { gradient, photoForm } from '../support/images.ts';

describe('the API’s document', () => {
  let directory: TestDirectory;
  before(async () => {
    directory = await startDirectory();
  });
  after(() => directory.stop());

  it('is valid OpenAPI 3.1, the release’s, and may be kept', async () => {
    const { status, headers, body } = await directory.call('GET', '/api/openapi.json');
    expect(status).to.equal(200);
    expect(headers.get('cache-control')).to.equal('public, max-age=60');
    expect(body.info.version).to.equal('test-release');
    const result = await new Validator().validate(body);
    expect(result.valid, JSON.stringify(result)).to.equal(true);
    expect(body.components.schemas.NewSalon).to.deep.include({ required: ['name', 'city'] });
    expect(body.components.schemas.NewSalon.properties.name).to.include({ minLength: 1, maxLength: 200 });
    expect(JSON.stringify(body)).to.not.contain('"schema":{}');
  });

  // Taking an operation away, or a route, fails here (tried).
  it('describes every route of the API and no other', () => {
    const routes = apiRoutes(directory.deps).flatMap((router) =>
      router.stack.flatMap(({ path, methods }) =>
        methods.filter((method) => method !== 'HEAD').map((method) => `${method.toLowerCase()} ${path}`),
      ),
    );
    expect(operations.map(({ method, path }) => `${method} ${path}`)).to.have.members(routes);
  });

  // A field more or less in an answer fails here: the schemas are strict (tried).
  it('is what the answers look like', async () => {
    const salon = { name: 'Described', city: 'Wien', description: 'a\nb' };
    const photo = photoForm(await gradient(40, 30).jpeg().toBuffer());
    const inputs: Record<string, object> = {
      'post /api/salons': { json: salon },
      'patch /api/salons/:slug': { json: { phone: '1' } },
      'post /api/salons/:slug/photos': { body: photo },
      'patch /api/photos/:id': { json: { alt: 'x' } },
    };
    // By path, too: the photo comes after the salon and goes before it.
    const order = ['post', 'patch', 'get', 'delete'];
    const sorted = operations.toSorted(
      (a, b) => order.indexOf(a.method) - order.indexOf(b.method) || a.path.localeCompare(b.path),
    );
    let id = '';
    for (const { method, path, success, query } of sorted) {
      const target = path.replace(':slug', 'described').replace(':id', id) + (query ? '?limit=1' : '');
      const options = { as: 'owner' as const, ...inputs[`${method} ${path}`] };
      const answer = await directory.call(method.toUpperCase(), target, options);
      expect(answer.status, `${method} ${target}`).to.equal(success.status);
      if (success.model) models[success.model].parse(answer.body);
      if (method === 'post' && path.endsWith('photos')) id = answer.body.id;
    }
    models.Problem.parse((await directory.call('POST', '/api/salons', { as: 'owner', json: {} })).body);
  });
});
