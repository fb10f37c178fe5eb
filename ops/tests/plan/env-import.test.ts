import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { parse } from 'dotenv';
import { fillTemplate } from '../../src/config/template.ts';
import { planImport as plan } from '../../src/plan/env-import.ts';

const example = readFileSync(path.resolve(import.meta.dirname, '../../../.env.example'), 'utf8');
const current = fillTemplate(example, {});

const planImport = (text: string, lines: string) => plan(text, lines, parse);

describe('planImport', () => {
  it('merges what came in, keeps everything else with its comments, and names what changed', () => {
    const { text, changed, problems } = planImport(
      current,
      '# from CI\r\nDOMAIN=example.org\r\n\nHTTP_PORT=80\nALERT_URL=https://a.example/x?y=1'.replace(
        '?y=1',
        '',
      ),
    );
    expect(problems).to.deep.equal([]);
    expect(changed).to.deep.equal(['DOMAIN', 'ALERT_URL']);
    const expected = { ...parse(current), DOMAIN: 'example.org', ALERT_URL: 'https://a.example/x' };
    expect(parse(text)).to.deep.equal(expected);
    expect(text.split('\n')).to.have.length(current.split('\n').length);
  });

  it('adds a key that an older .env does not have', () => {
    const older = current.replace(/^ALERT_URL=.*\n/m, '');
    const { text, changed } = planImport(older, 'ALERT_URL=https://a.example/x\n');
    expect(changed).to.deep.equal(['ALERT_URL']);
    expect(parse(text).ALERT_URL).to.equal('https://a.example/x');
  });

  // Mutation (not tried): empty values merged. A secret that CI does not have would wipe out the one that the server has.
  it('leaves a key alone that came without a value, and says so', () => {
    const { text, changed, empty } = planImport(current, 'POSTGRES_PASSWORD=\nDOMAIN=example.org\n');
    expect(empty).to.deep.equal(['POSTGRES_PASSWORD']);
    expect(changed).to.deep.equal(['DOMAIN']);
    expect(parse(text).POSTGRES_PASSWORD).to.equal(parse(current).POSTGRES_PASSWORD);
  });

  it('names every problem at once and no value', () => {
    const { problems } = planImport(
      current,
      [
        'DOMIAN=hunter2',
        'hunter2',
        'HTTP_PORT=hunter2',
        'SESSION_SECRET="hunter2-hunter2-hunter2-hunter2-hunter2"',
        'IMAGE_TAG=hunter2',
        'RATE_LIMIT=5 # hunter2',
        'LOG_LEVEL=info',
        'LOG_LEVEL=hunter2',
        'export CRON=on',
      ].join('\n'),
    );
    expect(problems.join('\n')).to.not.contain('hunter2');
    expect(problems).to.deep.equal([
      'line 1: DOMIAN: unknown key',
      'line 2: not KEY=value',
      'line 5: IMAGE_TAG: only deploy and rollback write it',
      'line 8: LOG_LEVEL: given twice',
      'line 9: not KEY=value',
      'SESSION_SECRET: only letters, digits and ._,:/@+=- are allowed',
      'RATE_LIMIT: only letters, digits and ._,:/@+=- are allowed',
      'HTTP_PORT: expected a port number from 1 to 65535',
    ]);
  });

  it('validates the whole, so that what was wrong before is named too', () => {
    const { problems } = planImport(`${current}\nTYPO=1\n`, 'DOMAIN=example.org');
    expect(problems.join()).to.match(/^TYPO: unknown key/);
  });
});
