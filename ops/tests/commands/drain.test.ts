import { expect } from 'chai';
import { findCut } from '../../src/commands/drain.ts';

describe('findCut', () => {
  it('reads from the log what a stop has cut, and passes over everything else', () => {
    const log = [
      '{"level":30,"msg":"stopping"}',
      '{"level":40,"msg":"requests cut","requests":[{"method":"POST","path":"/api/x","seconds":312.4,"requestId":"a"}]}',
      '{"level":40,"msg":"jobs left","jobs":["photo-7-v1"]}',
      'not json',
      '',
    ].join('\n');
    expect(findCut(log)).to.deep.equal([
      'POST /api/x after 312 s',
      'job photo-7-v1, which another worker takes up again',
    ]);
  });
});
