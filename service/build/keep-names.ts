import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const HELPER = '__name=(target,value)=>__defProp(target,';

/**
 * What keepNames adds defines the name of every function each time one is made, which a service does thousands of
 * times a second; nearly all of them have it already.
 * @throws Error when esbuild writes its helper in another way
 */
export function cheapenNames(outdir: string): void {
  const files = readdirSync(outdir).filter((name) => name.endsWith('.js'));
  const changed = files.filter((name) => {
    const file = join(outdir, name);
    const text = readFileSync(file, 'utf8');
    if (!text.includes(HELPER)) return false;
    writeFileSync(file, text.replace(HELPER, HELPER.replace('=>', '=>target.name===value?target:')));
    return true;
  });
  if (changed.length === 0) throw new Error("keepNames: esbuild's helper is not as it was");
}
