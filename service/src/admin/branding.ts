import type { BrandingOptions, Locale } from 'adminjs';
import { ACCOUNT_WORDS } from './account-words.ts';
import { ASSET_PREFIX } from './assets.ts';

/** Name, mark and colours of the panel. The login page (pages/theme.ts) wears the same teal. */
export const BRANDING: BrandingOptions = {
  companyName: 'Sevra Atlas',
  logo: `${ASSET_PREFIX}icon.svg`,
  favicon: `${ASSET_PREFIX}icon.svg`,
  withMadeWithLove: false,
  theme: {
    // AdminJS would ask Google for Roboto; the visitor's own system has a good face for every script.
    // (The cast: its type takes this string for an object.)
    font: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif' as never,
    colors: {
      primary100: '#0f766e',
      primary80: '#14857c',
      primary60: '#3f9e96',
      primary40: '#8cc7c2',
      primary20: '#d9efec',
      accent: '#0f766e',
      hoverBg: '#0f766e',
    },
  },
};

/** Words that AdminJS would otherwise make out of column names. */
export const LOCALE: Locale = {
  language: 'en',
  availableLanguages: ['en'],
  translations: {
    en: {
      labels: { pages: 'Operations', ...ACCOUNT_WORDS.labels },
      pages: { jobs: 'Jobs' },
      messages: ACCOUNT_WORDS.messages,
      components: { LanguageSelector: { availableLanguages: { en: 'English' } } },
      resources: {
        salons: {
          name: 'Salons',
          actions: { list: 'Salons', new: 'New salon', edit: 'Edit salon', show: 'Salon' },
          properties: { photos: 'Photos', created_at: 'Created', updated_at: 'Updated' },
        },
        photos: {
          name: 'Photos',
          actions: { list: 'Photos', edit: 'Edit photo', show: 'Photo' },
          properties: {
            photo: 'Photo',
            salon_id: 'Salon',
            alt: 'Alternative text',
            position: 'Place in the salon',
            created_at: 'Uploaded',
          },
        },
        ...ACCOUNT_WORDS.resources,
      },
    },
  },
};
