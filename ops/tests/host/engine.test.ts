import { expect } from 'chai';
import { engineSocket, joinStreams } from '../../src/host/engine.ts';
import { Failure } from '../../src/report/failure.ts';

/** A frame as the engine writes it. */
function frame(stream: 1 | 2, text: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

describe("the engine's API", () => {
  it('joins both streams of a container in the order in which they were written', () => {
    const bytes = Buffer.concat([frame(1, 'one\n'), frame(2, 'zwölf\n'), frame(1, ''), frame(1, 'three\n')]);
    expect(joinStreams(bytes)).to.equal('one\nzwölf\nthree\n');
    expect(joinStreams(bytes.subarray(0, 9)), 'cut short').to.equal('o');
  });

  it('is reached over a unix socket of this machine and nowhere else', () => {
    expect(engineSocket('unix:///run/x.sock')).to.equal('/run/x.sock');
    expect(engineSocket('')).to.equal('/var/run/docker.sock');
    expect(() => engineSocket('tcp://10.0.0.1:2375')).to.throw(Failure, /not a unix socket/);
  });
});
