import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const HELPER = '__name=(target,value)=>__defProp(target,';

/**
 * What keepNames adds defines the name of every function each time one is made, which a service does thousands of
 * times a second; nearly all of them have it already.
 * @throws Error when esbuild writes its helper in another way
 */
export function cheapenNames(outdir: string): void {
  const chunks = readdirSync(outdir).filter((name) => name.endsWith('.js'));
  const file = chunks
    .map((name) => join(outdir, name))
    .find((chunk) => readFileSync(chunk, 'utf8').includes(HELPER));
  if (!file) throw new Error("keepNames: esbuild's helper is not as it was");
  const cheap = HELPER.replace('=>', '=>target.name===value?target:');
  writeFileSync(file, readFileSync(file, 'utf8').replace(HELPER, cheap));
}
