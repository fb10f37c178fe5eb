import { expect } from 'chai';
import { fillTemplate, findMalformedLines, replaceValues } from '../../src/config/template.ts';

const example = '# ports\nHTTP_PORT=80\n\n# secrets\nPOSTGRES_PASSWORD=\nSESSION_SECRET=\nIMAGE_TAG=\n';

describe('fillTemplate', () => {
  it('fills empty secrets, each with its own value, and leaves the rest alone', () => {
    let count = 0;
    const text = fillTemplate(example, {}, () => `secret-${++count}`);
    expect(text).to.equal(
      '# ports\nHTTP_PORT=80\n\n# secrets\nPOSTGRES_PASSWORD=secret-1\nSESSION_SECRET=secret-2\nIMAGE_TAG=\n',
    );
  });

  it('generates secrets of 256 bits that differ', () => {
    const [, first, second] =
      /POSTGRES_PASSWORD=(.+)\nSESSION_SECRET=(.+)/.exec(fillTemplate(example, {})) ?? [];
    expect(first).to.match(/^[\w-]{43}$/);
    expect(second)
      .to.match(/^[\w-]{43}$/)
      .and.not.equal(first);
  });

  it('generates no secret that somebody else gives out', () => {
    const text = 'MEDIA_S3_SECRET_ACCESS_KEY=\n';
    expect(fillTemplate(text, {})).to.equal(text);
  });

  it('takes over what the environment names', () => {
    expect(fillTemplate(example, { HTTP_PORT: '8080' })).to.contain('HTTP_PORT=8080');
    // A digit belongs to a name (tried without).
    expect(fillTemplate('MEDIA_S3_BUCKET=\n', { MEDIA_S3_BUCKET: 'photos' })).to.equal(
      'MEDIA_S3_BUCKET=photos\n',
    );
  });
});

describe('replaceValues', () => {
  it('changes one line and keeps comments, order and everything else', () => {
    expect(replaceValues(example, { HTTP_PORT: '81' })).to.equal(example.replace('=80', '=81'));
  });

  it('adds a key that is not there and takes values literally', () => {
    expect(replaceValues('A=1\n', { B: '$&$1' })).to.equal('A=1\nB=$&$1\n');
    expect(replaceValues('A=1', { A: '$&' })).to.equal('A=$&');
  });

  it('does not touch a key whose name merely ends the same', () => {
    expect(replaceValues('POSTGRES_IMAGE=a\nIMAGE=b\n', { IMAGE: 'c' })).to.equal(
      'POSTGRES_IMAGE=a\nIMAGE=c\n',
    );
  });
});

describe('findMalformedLines', () => {
  it('names lines that are not KEY=value and keys set twice', () => {
    expect(findMalformedLines('# fine\n\nA=1\nnonsense\nA=2\n')).to.deep.equal([
      'line 4: not KEY=value',
      'A: set twice (line 5)',
    ]);
  });
});
