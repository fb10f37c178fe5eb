/** Colours that go together, as CSS takes them. */
export interface Palette {
  wall: [string, string];
  floor: string;
  accent: string;
  soft: string;
  dark: string;
  leaf: string;
}

export const palettes: readonly Palette[] = [
  {
    wall: ['#f6d9cf', '#e9a892'],
    floor: '#8a4b40',
    accent: '#c4563f',
    soft: '#fbeee6',
    dark: '#3d2422',
    leaf: '#5b7b5a',
  },
  {
    wall: ['#d5e5e3', '#8fb8b3'],
    floor: '#39605d',
    accent: '#d98f3d',
    soft: '#f4efe3',
    dark: '#1f3534',
    leaf: '#3f7056',
  },
  {
    wall: ['#e8def3', '#b59bd6'],
    floor: '#57437a',
    accent: '#7a4fae',
    soft: '#f7f1fb',
    dark: '#2c2140',
    leaf: '#6d8f6a',
  },
  {
    wall: ['#f7ecd0', '#e3c27a'],
    floor: '#7d5a2b',
    accent: '#2f6b72',
    soft: '#fff8e8',
    dark: '#3a2b17',
    leaf: '#56794b',
  },
  {
    wall: ['#d7e3f4', '#8ca9d6'],
    floor: '#364f7a',
    accent: '#e0695f',
    soft: '#f3f6fb',
    dark: '#1c2942',
    leaf: '#4c7d6b',
  },
  {
    wall: ['#efe7df', '#c9b7a5'],
    floor: '#6d5a4b',
    accent: '#43584a',
    soft: '#fbf7f2',
    dark: '#2d2620',
    leaf: '#61805a',
  },
  {
    wall: ['#fbdde4', '#ee9fb4'],
    floor: '#8b3f58',
    accent: '#b1385f',
    soft: '#fff2f4',
    dark: '#41182a',
    leaf: '#5c8561',
  },
  {
    wall: ['#2f3a45', '#161d25'],
    floor: '#0f1419',
    accent: '#d8a657',
    soft: '#54626f',
    dark: '#080b0e',
    leaf: '#4f7a62',
  },
];
