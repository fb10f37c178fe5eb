import { STATUS_CODES } from 'node:http';
import { z } from 'zod';
import { type ModelName, models, type Operation, operations } from './operations.ts';

const PARAMETER = /:(\w+)/g;

/** The API as OpenAPI 3.1, made of the schemas that check its requests. */
export function openApiDocument(release: string): object {
  const paths: Record<string, object> = {};
  for (const operation of operations) {
    const path = operation.path.replace(PARAMETER, '{$1}');
    paths[path] = { ...paths[path], [operation.method]: describe(operation) };
  }
  return {
    openapi: '3.1.1',
    info: { title: 'Sevra Atlas', version: release, license: { name: 'MIT', identifier: 'MIT' } },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: describeModels(),
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'made by `make token`' } },
    },
  };
}

function describe({ path, summary, token, query, body, success, problems }: Operation): object {
  const inPath = [...path.matchAll(PARAMETER)].map(([, name]) => ({
    ...{ name, in: 'path', required: true },
    schema: name === 'id' ? { type: 'integer' } : { type: 'string' },
  }));
  const { properties = {} } = query ? z.toJSONSchema(query, { io: 'input' }) : {};
  const inQuery = Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', schema }));
  const failures = [...(token ? [401, 403] : [401]), ...problems, 429, 500];
  return {
    summary,
    // An empty one: also without.
    security: token ? [{ token: [] }] : [{}, { token: [] }],
    parameters: [...inPath, ...inQuery],
    ...(body && { requestBody: { required: true, content: content(body.type, body.model) } }),
    responses: {
      [success.status]: {
        description: STATUS_CODES[success.status],
        ...(success.model && { content: content('application/json', success.model) }),
      },
      ...Object.fromEntries(failures.map((status) => [status, describeFailure(status)])),
    },
  };
}

const describeFailure = (status: number) => ({
  description: STATUS_CODES[status],
  content: content('application/problem+json', 'Problem'),
});

function content(type: string, model: ModelName): object {
  return { [type]: { schema: { $ref: reference(model) } } };
}

const reference = (name: string) => `#/components/schemas/${name}`;

function describeModels(): object {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(models)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, { uri: reference, io: 'input' });
  // They are part of a document that says these two for all of them.
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema, $id, ...schema }]) => [name, schema]),
  );
}
