import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import sharp from 'sharp';
import { findOnPath } from '../requirements.ts';

/** The Chromium to test with: CHROMIUM_PATH, or the first that is installed. */
export const findChromium = (): string | undefined =>
  process.env['CHROMIUM_PATH'] ||
  findOnPath('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable');

export const MISSING_CHROMIUM =
  'No Chromium found, so the page is NOT tested in a browser. Install it (Debian, Ubuntu: apt-get install chromium) or name yours with CHROMIUM_PATH.';

/** Starts it with nothing that talks to the network on its own. */
export const launchChromium = (executablePath: string): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });

/** A photo as playwright's `setInputFiles` takes it. */
export interface Photo {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

const PETALS = [0, 60, 120, 180, 240, 300];

const FLOWER = `<svg xmlns="http://www.w3.org/2000/svg" width="640" height="480">
  <rect width="640" height="480" fill="#5f8f4e"/>
  ${PETALS.map((angle) => `<ellipse cx="320" cy="150" rx="50" ry="90" fill="#f2c12e" transform="rotate(${angle} 320 240)"/>`).join('')}
  <circle cx="320" cy="240" r="55" fill="#3b2415"/>
</svg>`;

/** A flower for when no photos are at hand. */
export const drawFlower = async (): Promise<Photo> => ({
  name: 'drawn.jpg',
  mimeType: 'image/jpeg',
  buffer: await sharp(Buffer.from(FLOWER)).jpeg().toBuffer(),
});

/** One photo of each class, by the name of its folder; none when FLOWERS_DIR is not set. */
export const flowerPhotos = async (): Promise<ReadonlyMap<string, Photo>> => {
  const { FLOWERS_DIR } = process.env;
  if (!FLOWERS_DIR) return new Map();
  const folders = readdirSync(FLOWERS_DIR, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const photos = folders.map(async ({ name: label }): Promise<[string, Photo][]> => {
    const [name] = readdirSync(path.join(FLOWERS_DIR, label))
      .filter((file) => /\.jpe?g$/i.test(file))
      .sort();
    if (name === undefined) return [];
    return [
      [label, { name, mimeType: 'image/jpeg', buffer: await readFile(path.join(FLOWERS_DIR, label, name)) }],
    ];
  });
  return new Map((await Promise.all(photos)).flat());
};
