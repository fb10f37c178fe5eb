import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { parse } from 'dotenv';
import { DEFAULTS, SECRET_KEYS, SETTING_KEYS } from '../../src/config/schema.ts';
import { fillTemplate } from '../../src/config/template.ts';
import { editDistance, validateSettings } from '../../src/config/validate.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const example = readFileSync(path.join(root, '.env.example'), 'utf8');
const complete = () => parse(fillTemplate(example, {}));

describe('settings', () => {
  it('.env.example names exactly the keys of the schema, in its order', () => {
    expect(Object.keys(parse(example))).to.deep.equal(SETTING_KEYS);
  });

  it('.env.example with its secrets filled in is valid, and holds no secret itself', () => {
    expect(validateSettings(complete(), {}).problems).to.deep.equal([]);
    for (const key of SECRET_KEYS) expect(parse(example)[key], key).to.equal('');
  });

  it('every variable of the compose files is a setting', () => {
    for (const file of ['data.yml', 'app.yml', 'edge.yml']) {
      const text = readFileSync(path.join(root, 'compose', file), 'utf8');
      for (const [, name] of text.matchAll(/(?<!\$)\$\{(\w+)/g)) expect(SETTING_KEYS, file).to.include(name);
    }
  });

  it('a key that an older .env does not have means what .env.example and the compose files say', () => {
    const file = complete();
    for (const key of Object.keys(DEFAULTS)) delete file[key];
    expect(validateSettings(file, {}).settings).to.include(DEFAULTS);
    expect(parse(example)).to.include(DEFAULTS);
    for (const name of ['data.yml', 'app.yml', 'edge.yml']) {
      const text = readFileSync(path.join(root, 'compose', name), 'utf8');
      for (const [, key = '', value] of text.matchAll(/\$\{(\w+):-(\w+)\}/g))
        if (key in DEFAULTS)
          expect(DEFAULTS[key as keyof typeof DEFAULTS], `${key} in ${name}`).to.equal(value);
    }
  });

  it('names every bad key at once and what is expected', () => {
    const file = {
      ...complete(),
      HTTP_PORT: '99999',
      IMAGES: 'alpine',
      UPLOAD_MAX_MB: '0',
      SESSION_SECRET: '',
    };
    const { problems } = validateSettings(file, {});
    expect(problems).to.have.length(4);
    expect(problems.join('\n'))
      .to.match(/HTTP_PORT: expected a port number from 1 to 65535/)
      .and.match(/IMAGES: expected one of official,debian/)
      .and.match(/UPLOAD_MAX_MB: expected a whole number from 1 to 500/)
      .and.match(/SESSION_SECRET: missing/);
  });

  it('refuses an unknown key and guesses what was meant', () => {
    const { problems } = validateSettings({ ...complete(), HTPP_PORT: '8080' }, {});
    expect(problems).to.deep.equal(['HTPP_PORT: unknown key (did you mean HTTP_PORT?)']);
  });

  it('passes over a key that another release has known here', () => {
    const file = { ...complete(), OF_LATER: 'x', OF_NOBODY: 'x' };
    expect(validateSettings(file, {}, ['OF_LATER']).problems).to.deep.equal(['OF_NOBODY: unknown key']);
  });

  it('refuses characters that compose or a URL would read differently', () => {
    for (const value of ['a$b', 'a b', "a'b", 'a#b', 'a\\b', 'a"b'])
      expect(validateSettings({ ...complete(), IMAGE_NAME: value }, {}).problems, value).to.not.be.empty;
  });

  it('never repeats the value of a secret', () => {
    for (const key of SECRET_KEYS) {
      const { problems } = validateSettings({ ...complete(), [key]: 'hunter2!' }, {});
      expect(problems.join('\n'))
        .to.contain(key)
        .and.not.match(/hunter2/);
    }
    const { problems } = validateSettings({ ...complete(), ALERT_URL: 'hunter2', ACME_EMAIL: 'hunter2' }, {});
    expect(problems).to.deep.equal([
      'ACME_EMAIL: expected an email address',
      'ALERT_URL: expected a URL such as https://example.org/path',
    ]);
  });

  it('lets the environment win over .env, but not with an empty value', () => {
    const environment = { HTTP_PORT: '8080', HTTPS_PORT: '' };
    const { settings } = validateSettings(complete(), environment);
    expect(settings).to.include({ HTTP_PORT: '8080', HTTPS_PORT: '443' });
  });
});

describe('editDistance', () => {
  it('counts letters that differ', () => {
    expect(editDistance('kitten', 'sitting')).to.equal(3);
    expect(editDistance('', 'abc')).to.equal(3);
    expect(editDistance('same', 'same')).to.equal(0);
  });
});
