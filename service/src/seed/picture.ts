import { palettes } from './palettes.ts';
import { randomFrom } from './random.ts';
import { type Brush, bottles, chair, comb, mirror, plant, scissors } from './shapes.ts';

/** Size in pixels of every picture. */
export const WIDTH = 1600;
export const HEIGHT = 1067;
const FLOOR = 800;

/** The nth picture of a salon, as SVG: the same every time, another one for every salon and number. */
export function drawPicture(slug: string, n: number): string {
  const ofSalon = randomFrom(slug);
  const palette = palettes[Math.floor(ofSalon() * palettes.length)] ?? palettes[0];
  if (!palette) throw new Error('no palettes');
  const brush: Brush = { ...palette, random: randomFrom(`${slug} ${n}`) };
  const scene = SCENES[n % SCENES.length] ?? interior;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}">
    ${definitions(brush)}${scene(brush)}<rect width="100%" height="100%" fill="url(#shade)"/></svg>`;
}

const SCENES = [interior, shelf, tools];

/** Mirrors and chairs along a wall. */
function interior(brush: Brush): string {
  const places = brush.random() < 0.5 ? [420, 1080] : [300, 800, 1300];
  const width = places.length === 2 ? 340 : 270;
  const furniture = places.map(
    (x) =>
      mirror(brush, x - width / 2, 150 + brush.random() * 50, width, 440) +
      chair(brush, x, FLOOR - 20, places.length === 2 ? 1.75 : 1.45),
  );
  return room(brush) + furniture.join('') + plant(brush, brush.random() < 0.5 ? 90 : WIDTH - 90, 930);
}

/** A close look at one mirror and what stands under it. */
function shelf(brush: Brush): string {
  const x = 500 + brush.random() * 250;
  const board = `<rect x="0" y="${FLOOR - 30}" width="${WIDTH}" height="46" fill="${brush.dark}"/><rect y="${FLOOR + 16}" width="${WIDTH}" height="${HEIGHT}" fill="${brush.floor}"/>`;
  const round = mirror(brush, x - 230, 110, 620, 620);
  return `${wall()}${round}${board}${bottles(brush, 90, FLOOR - 30, 560)}${bottles(brush, 1040, FLOOR - 30, 400)}${plant(brush, 960, FLOOR - 30)}`;
}

/** Scissors and comb on a table, seen from above, over large soft shapes. */
function tools(brush: Brush): string {
  const blobs = Array.from({ length: 5 }, (_, n) => {
    const [x, y, r] = [brush.random() * WIDTH, brush.random() * HEIGHT, 160 + brush.random() * 260];
    return `<circle cx="${x}" cy="${y}" r="${r}" fill="${n % 2 ? brush.soft : brush.accent}" opacity=".3"/>`;
  });
  const hair = Array.from({ length: 16 }, (_, n) => {
    const y = 120 + n * 14;
    return `<path d="M-40 ${y + 520} C 420 ${y + 160}, 900 ${y + 880}, 1660 ${y + 330}" fill="none" stroke="${brush.dark}" stroke-width="7" opacity="${0.25 + 0.04 * n}"/>`;
  });
  return `${wall()}${blobs.join('')}${hair.join('')}${comb(brush, 1130, 320, 1.7)}${scissors(brush, 560, 470, 1.9)}`;
}

function room({ floor, dark, soft }: Brush): string {
  const boards = Array.from(
    { length: 12 },
    (_, n) =>
      `<path d="M${n * 145} ${FLOOR} L${n * 230 - 460} ${HEIGHT}" stroke="${dark}" stroke-width="3" opacity=".25"/>`,
  );
  return `${wall()}<rect y="${FLOOR}" width="${WIDTH}" height="${HEIGHT - FLOOR}" fill="${floor}"/>${boards.join('')}<rect y="${FLOOR - 14}" width="${WIDTH}" height="20" fill="${soft}"/>`;
}

const wall = () => '<rect width="100%" height="100%" fill="url(#wall)"/>';

function definitions({ wall: [top, bottom], random }: Brush): string {
  const stop = (offset: number, colour: string, opacity = 1) =>
    `<stop offset="${offset}" stop-color="${colour}" stop-opacity="${opacity}"/>`;
  return `<defs>
    <linearGradient id="wall" x1="${random()}" y1="0" x2="${random()}" y2="1">${stop(0, top)}${stop(1, bottom)}</linearGradient>
    <linearGradient id="glass" x1="0" y1="0" x2="1" y2="1">${stop(0, '#ffffff')}${stop(0.55, '#dfe9ee')}${stop(1, '#b9cad3')}</linearGradient>
    <linearGradient id="steel" x1="0" y1="0" x2="1" y2="0">${stop(0, '#f5f7f8')}${stop(1, '#8b979f')}</linearGradient>
    <radialGradient id="glow">${stop(0, '#fffaf0', 0.75)}${stop(1, '#fffaf0', 0)}</radialGradient>
    <radialGradient id="shade" cx=".5" cy=".42" r=".85">${stop(0.55, '#000000', 0)}${stop(1, '#000000', 0.28)}</radialGradient>
  </defs>`;
}
