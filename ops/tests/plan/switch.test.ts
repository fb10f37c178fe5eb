import { expect } from 'chai';
import type { Container } from '../../src/plan/containers.ts';
import {
  findOldWorkers,
  findWorkers,
  parseUpstream,
  renderGeneration,
  renderUpstream,
  splitByRelease,
} from '../../src/plan/switch.ts';

describe("nginx's list", () => {
  it('names every container by address and by name, and is read back', () => {
    const text = renderUpstream([
      { name: 'atlas-api-3', address: '172.18.0.7' },
      { name: 'atlas-api-4', address: '' },
    ]);
    expect(text).to.equal(
      [
        'server 172.18.0.7:3000 max_fails=1 fail_timeout=1d;',
        'server atlas-api-3:3000 resolve max_fails=0;',
        'server atlas-api-4:3000 resolve max_fails=0;',
        '',
      ].join('\n'),
    );
    expect(parseUpstream(text)).to.deep.equal(['atlas-api-3', 'atlas-api-4']);
    expect(parseUpstream('')).to.deep.equal([]);
  });

  it('has a number that nginx tells', () => {
    expect(renderGeneration('mabc')).to.equal('return 200 "mabc";\n');
  });
});

describe("nginx's workers", () => {
  const processes = [
    { pid: 9, command: 'tini -- sh /etc/nginx/start.sh' },
    { pid: 10, command: 'nginx: master process nginx -g daemon off;' },
    { pid: 11, command: 'nginx: worker process is shutting down' },
    { pid: 42, command: 'nginx: worker process' },
    { pid: 43, command: 'nginx: worker process' },
  ];

  it('are told from the master, and those that leave from those that accept', () => {
    expect(findWorkers(processes)).to.deep.equal({ all: [11, 42, 43], leaving: [11] });
  });

  it('count as old when they were there before the reload, whether they have noticed yet or not', () => {
    expect(findOldWorkers(processes, [42])).to.deep.equal([11, 42]);
    expect(findOldWorkers(processes, [])).to.deep.equal([11]);
    expect(findOldWorkers(processes.slice(3), [11])).to.deep.equal([]);
  });
});

describe('splitByRelease', () => {
  it('tells the containers of the wanted release from the others, crashed ones too', () => {
    const container = (name: string, configHash: string, imageId: string, status = 'running') =>
      ({ name, service: 'api', configHash, imageId, status }) as Container;
    const all = [
      container('old', 'a', '1'),
      container('new', 'b', '2'),
      container('new-crashed', 'b', '2', 'restarting'),
      container('rebuilt', 'b', '1'),
    ];
    const { current, outdated } = splitByRelease(all, 'api', { configHash: 'b', imageId: '2' });
    expect(current.map((one) => one.name)).to.deep.equal(['new', 'new-crashed']);
    expect(outdated.map((one) => one.name)).to.deep.equal(['old', 'rebuilt']);
  });
});
