declare module '@20minutes/s3rver' {
  import type { IncomingHttpHeaders, Server } from 'node:http';
  import type { AddressInfo } from 'node:net';
  import type { Readable } from 'node:stream';

  interface S3Object {
    key: string;
    content: Readable & { headers?: IncomingHttpHeaders };
  }

  /** What the tests use of it. */
  export default class S3rver {
    constructor(options: object);
    httpServer: Server;
    middleware: ((ctx: { url: string; app: S3rver }, next: () => Promise<void>) => Promise<void>)[];
    store: { putObject(object: S3Object): Promise<object> };
    run(): Promise<AddressInfo>;
    close(): Promise<void>;
  }
}
