import { expect } from 'chai';
import { createLog } from '../src/log.ts';

describe('log', () => {
  it('replaces secrets wherever they are logged', () => {
    let line = '';
    const write = (text: string) => {
      line += text;
    };
    const log = createLog({ level: 'info', release: 'r', role: 'api' }, { write });
    const headers = { authorization: 's3cret', cookie: 's3cret', 'set-cookie': ['s3cret'], host: 'kept' };
    const error = Object.assign(new Error('refused'), { command: { name: 'auth', args: ['s3cret'] } });
    log.info({ req: { headers }, headers, password: 's3cret', body: { token: 's3cret' }, err: error }, 'msg');
    expect(line).to.not.contain('s3cret');
    expect(JSON.parse(line)).to.include({ role: 'api', release: 'r', msg: 'msg' });
    expect(JSON.parse(line).headers.host).to.equal('kept');
  });
});
