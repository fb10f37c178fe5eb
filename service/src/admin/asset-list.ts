/** Where a file of the panel's front end comes from: a package of adminjs, our own assets folder, or bundled from it. */
export interface AssetSource {
  from: 'adminjs' | '@adminjs/design-system' | 'atlas' | 'bundled';
  file: string;
}

/**
 * Every file the panel's pages may ask for, by the name they ask for. An exact list: no path of a
 * request ever becomes a path on disk. Always the production builds: the others are 25 MB and no different.
 */
export const ASSETS: Readonly<Record<string, AssetSource>> = {
  'global.bundle.js': { from: 'adminjs', file: 'lib/frontend/assets/scripts/global-bundle.production.js' },
  'app.bundle.js': { from: 'adminjs', file: 'lib/frontend/assets/scripts/app-bundle.production.js' },
  'design-system.bundle.js': { from: '@adminjs/design-system', file: 'bundle.production.js' },
  'components.bundle.js': { from: 'bundled', file: 'components.bundle.js' },
  'accounts.js': { from: 'atlas', file: 'accounts.js' },
  'icon.svg': { from: 'atlas', file: 'icon.svg' },
};
