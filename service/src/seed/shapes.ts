import type { Palette } from './palettes.ts';

/** What is drawn with: the salon's colours and its own randomness. */
export interface Brush extends Palette {
  random: () => number;
}

const between = ({ random }: Brush, low: number, high: number) => Math.round(low + random() * (high - low));

/** A mirror on the wall, lit from above: an arch, a circle or a tall rectangle, at (x, y) and so wide and high. */
export function mirror(brush: Brush, x: number, y: number, width: number, height: number): string {
  const radius = [width / 2, width / 2, 28][Math.floor(brush.random() * 3)] ?? 28;
  const frame = (inset: number, fill: string) =>
    `<rect x="${x + inset}" y="${y + inset}" width="${width - 2 * inset}" height="${height - 2 * inset}" rx="${Math.max(radius - inset, 8)}" fill="${fill}"/>`;
  const shine = `<path d="M${x + width * 0.2} ${y + height * 0.7} L${x + width * 0.62} ${y + height * 0.16} L${x + width * 0.76} ${y + height * 0.16} L${x + width * 0.2} ${y + height * 0.86} Z" fill="#fff" opacity=".28"/>`;
  const glow = `<ellipse cx="${x + width / 2}" cy="${y + height / 2}" rx="${width * 0.85}" ry="${height * 0.72}" fill="url(#glow)"/>`;
  return glow + frame(0, brush.accent) + frame(14, 'url(#glass)') + shine;
}

/** A styling chair from the front, its seat's middle at (x, y), drawn `size` times its own 100 units. */
export function chair({ accent, dark }: Brush, x: number, y: number, size: number): string {
  return `<g transform="translate(${x} ${y}) scale(${size})">
    <ellipse cx="0" cy="118" rx="70" ry="9" fill="${dark}" opacity=".35"/>
    <rect x="-6" y="38" width="12" height="72" fill="${dark}"/><rect x="-46" y="106" width="92" height="10" rx="5" fill="${dark}"/>
    <rect x="-52" y="-112" width="104" height="128" rx="34" fill="${accent}"/><rect x="-38" y="-98" width="76" height="92" rx="24" fill="#fff" opacity=".16"/>
    <rect x="-62" y="8" width="124" height="34" rx="17" fill="${accent}"/><rect x="-62" y="26" width="124" height="16" rx="8" fill="${dark}" opacity=".3"/>
    <rect x="-76" y="-30" width="18" height="66" rx="9" fill="${dark}"/><rect x="58" y="-30" width="18" height="66" rx="9" fill="${dark}"/></g>`;
}

/** Scissors, open by some degrees, turned and drawn around (x, y). */
export function scissors(brush: Brush, x: number, y: number, size: number): string {
  const open = between(brush, 12, 26);
  const half = (sign: number) => `<g transform="rotate(${sign * open})">
    <path d="M-7 0 L0 -190 Q${sign * 12} -90 9 0 Z" fill="url(#steel)"/><rect x="-5" y="0" width="10" height="70" fill="url(#steel)"/>
    <circle cx="${-sign * 14}" cy="104" r="34" fill="none" stroke="${brush.accent}" stroke-width="14"/></g>`;
  return `<g transform="translate(${x} ${y}) rotate(${between(brush, -50, 50)}) scale(${size})">${half(1)}${half(-1)}<circle r="8" fill="${brush.dark}"/></g>`;
}

/** A comb with fine teeth. */
export function comb(brush: Brush, x: number, y: number, size: number): string {
  const teeth = Array.from(
    { length: 27 },
    (_, n) => `<rect x="${-132 + n * 10}" y="0" width="${n > 13 ? 3 : 5}" height="52" rx="2"/>`,
  );
  return `<g transform="translate(${x} ${y}) rotate(${between(brush, -40, 40)}) scale(${size})" fill="${brush.dark}"><rect x="-140" y="-26" width="280" height="30" rx="12"/>${teeth.join('')}</g>`;
}

/** Bottles and jars on a shelf from x to x + width, their feet on y. */
export function bottles(brush: Brush, x: number, y: number, width: number): string {
  const parts: string[] = [];
  for (let at = x; at < x + width - 40; ) {
    const [wide, high] = [between(brush, 34, 62), between(brush, 60, 150)];
    const fill = brush.random() < 0.5 ? brush.accent : brush.soft;
    parts.push(
      `<rect x="${at}" y="${y - high}" width="${wide}" height="${high}" rx="10" fill="${fill}"/><rect x="${at}" y="${y - high * 0.62}" width="${wide}" height="${high * 0.3}" fill="#fff" opacity=".45"/><rect x="${at + wide / 2 - 9}" y="${y - high - 22}" width="18" height="24" rx="4" fill="${brush.dark}"/>`,
    );
    at += wide + between(brush, 14, 46);
  }
  return parts.join('');
}

/** A plant in a pot that stands on (x, y). */
export function plant(brush: Brush, x: number, y: number): string {
  const leaves = Array.from({ length: 9 }, (_, n) => {
    const length = between(brush, 150, 250);
    return `<path d="M0 0 Q26 ${-length * 0.55} 0 ${-length} Q-26 ${-length * 0.55} 0 0 Z" transform="rotate(${-64 + n * 16})"/>`;
  });
  return `<g transform="translate(${x} ${y - 92})"><g fill="${brush.leaf}">${leaves.join('')}</g><path d="M-52 -6 H52 L40 92 H-40 Z" fill="${brush.soft}"/></g>`;
}
