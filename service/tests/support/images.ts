import sharp, { type Sharp } from 'sharp';

/** A JPEG that lies on its side, tells so in EXIF, and says where it was taken. Displayed it is `width` x `height`. */
export function sidewaysJpeg(width: number, height: number): Promise<Buffer> {
  return gradient(height, width)
    .jpeg({ quality: 90 })
    .withExif({
      IFD0: { Make: 'Atlas Test Camera' },
      IFD3: {
        GPSLatitudeRef: 'N',
        GPSLatitude: '48/1 12/1 30/1',
        GPSLongitudeRef: 'E',
        GPSLongitude: '16/1 22/1 0/1',
      },
    })
    .withMetadata({ orientation: 6 })
    .toBuffer();
}

/** A plain image of that size, to be encoded by the caller. */
export function gradient(width: number, height: number): Sharp {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><defs><linearGradient id="g">
    <stop offset="0" stop-color="#c33"/><stop offset="1" stop-color="#36c"/></linearGradient></defs>
    <rect width="100%" height="100%" fill="url(#g)"/><circle cx="30%" cy="40%" r="20%" fill="#fd5"/></svg>`;
  return sharp(Buffer.from(svg), { limitInputPixels: false });
}

/** A form with one file in the field `photo`, as a browser sends it. */
export function photoForm(
  data: Uint8Array,
  fields: Record<string, string> = {},
  type = 'image/jpeg',
): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  form.set('photo', new Blob([new Uint8Array(data)], { type }), '../../photo.jpg');
  return form;
}
