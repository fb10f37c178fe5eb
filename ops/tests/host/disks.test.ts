import { tmpdir } from 'node:os';
import { expect } from 'chai';
import { execa } from 'execa';
import { measureDisks, measureSpace } from '../../src/host/disks.ts';

describe('the space on a disk', () => {
  // Broken: blocks * bsize for the whole; what is kept for root was then counted as used.
  it('is what df says of it, without what is kept for root', async () => {
    const { stdout } = await execa('df', ['--block-size=1', '--output=used,avail', tmpdir()]);
    const [used = 0, free = 0] = (stdout.split('\n')[1] ?? '').trim().split(/\s+/).map(Number);
    const found = await measureSpace(tmpdir());
    // Others write meanwhile.
    expect(found.freeBytes).to.be.closeTo(free, 1e9);
    expect(found.totalBytes).to.be.closeTo(used + free, 1e9);
  });

  it('is told once for directories of the same disk, and not for what is not there', async () => {
    const found = await measureDisks([tmpdir(), tmpdir(), '/not/there']);
    expect(found).to.have.length(1);
    expect(found[0]?.usedPercent).to.be.within(0, 100);
  });
});
