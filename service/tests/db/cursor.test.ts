import { expect } from 'chai';
import { decodeCursor, encodeCursor } from '../../src/db/cursor.ts';

describe('cursor', () => {
  it('comes back as it went', () => {
    for (const id of [1, 42, 999_999_999_999_999]) expect(decodeCursor(encodeCursor(id))).to.equal(id);
  });

  it('is refused when it is not ours', () => {
    for (const text of [
      '',
      'id:1',
      '💥',
      ...['id:0', 'id:-1', 'id:1 ', 'id:1e9', 'id:9999999999999999', '1'].map(base64url),
    ]) {
      expect(decodeCursor(text), text).to.equal(undefined);
    }
  });
});

const base64url = (text: string) => Buffer.from(text).toString('base64url');
