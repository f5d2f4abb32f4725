import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { Hono } from 'hono';
import { etag } from 'hono/etag';
import { MAX_PHOTO_BYTES, PHOTO_MEDIA_TYPES } from '../../model/photo/format.ts';
import { describePage, SWAGGER_PATH } from './reference.ts';

const PUBLIC = new URL('./public/', import.meta.url);

/** Every kind of file that `public/` may hold. */
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};

/** Paths of the pages; the files that they load are under `/assets/`. */
const PAGES: Readonly<Record<string, string>> = {
  'index.html': '/',
  'check.html': '/was/check',
  'docs.html': '/docs',
};

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Fills in `{{name}}`. */
const fill = (html: string, values: Readonly<Record<string, string>>) =>
  html.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined)
      throw new Error(`A page uses {{${name}}}, which has no value. Add it to pages.ts.`);
    return escapeHtml(value);
  });

/**
 * The pages and the files that they load: read once, kept in memory, and revalidated by ETag, so that a deployment is
 * visible at once and files are transferred only when they change.
 *
 * @param version shown at the foot of the page
 * @throws Error when a file is of an unknown kind
 * @example
 * const pages = createPages('1.2.3');
 * (await pages.request('/assets/page.js')).headers.get('Cache-Control'); // => 'no-cache'
 */
export const createPages = (version: string): Hono => {
  const values = {
    version,
    accept: PHOTO_MEDIA_TYPES.join(','),
    maxPhotoBytes: String(MAX_PHOTO_BYTES),
    swagger: SWAGGER_PATH,
  };
  const pages = new Hono();
  for (const name of readdirSync(PUBLIC)) {
    const type = MEDIA_TYPES[extname(name)];
    if (type === undefined)
      throw new Error(`public/${name} is of a kind that pages.ts does not know. Add it there.`);
    const bytes = readFileSync(new URL(name, PUBLIC));
    const content = extname(name) === '.html' ? fill(bytes.toString('utf8'), values) : bytes;
    const headers = {
      'Content-Type': type,
      'Cache-Control': 'no-cache',
      ETag: `"${createHash('sha256').update(content).digest('base64url')}"`,
    };
    const page = PAGES[name];
    if (page !== undefined) pages.get(page, describePage(page));
    pages.get(page ?? `/assets/${name}`, etag(), (context) => context.body(content, 200, headers));
  }
  return pages;
};
