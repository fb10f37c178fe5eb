import { expect } from 'chai';
import { widthsFor } from '../../src/jobs/variants.ts';

describe('variant widths', () => {
  it('are the three asked for, never wider than the original and none twice', () => {
    expect(widthsFor(4000)).to.deep.equal([320, 800, 1600]);
    expect(widthsFor(1600)).to.deep.equal([320, 800, 1600]);
    expect(widthsFor(900)).to.deep.equal([320, 800, 900]);
    expect(widthsFor(100)).to.deep.equal([100]);
  });
});
