import { connect } from 'node:net';
import path from 'node:path';
import sharp from 'sharp';
import { Command, checksum, drawing, masked, pretty, say, seeded, write } from './commands.ts';
import pictures from './pictures.json' with { type: 'json' };
import requests from './requests.json' with { type: 'json' };

/** Answers of the services that `npm start` starts. Requests are texts in Latin-1: a character is a byte. */

type Texts = Readonly<Record<string, string>>;

/** Requests with the same beginning and end. */
interface Group {
  /** Services, each with what `{route}` stands for. */
  readonly to: readonly string[];
  readonly start?: string;
  readonly end?: string;
  /** By their names. Those of a list are called what they are. */
  readonly rows: Texts | readonly string[];
  /** They are sent as they are written, also if they are no HTTP. */
  readonly raw?: boolean;
}

/** Every picture's bytes, in base64 too, and the pixels that a client of the endpoint sends. */
const readPictures = async (): Promise<Texts> => {
  const random = seeded(50);
  const formats = ['jpeg', 'png', 'webp'] as const;
  const drawn = Array.from({ length: 50 }, async (_, index) => {
    const picture = drawing(random, index * 7, 200 + ((index * 37) % 300), 220 + ((index * 53) % 200));
    const file = await picture.toFormat(formats[index % 3] ?? 'png').toBuffer();
    const pixels = await sharp(file).resize(224, 224).flatten().toColourspace('srgb').raw().toBuffer();
    return [
      [`photo ${index}`, file.toString('latin1')],
      [`pixels ${index}`, pixels.toString('base64')],
    ] as const;
  });
  const kept = Object.entries(pictures).map(([name, base64]) => [
    [name, Buffer.from(base64, 'base64').toString('latin1')],
    [`base64 of ${name}`, base64],
  ]);
  return Object.fromEntries([...(await Promise.all(drawn)), ...kept].flat());
};

/** Writes out `<<100 times x>>`, and what has a name: `{JPEG}`. */
const fill = (template: string, contents: Texts, templates: Texts): string =>
  template
    .replaceAll(/<<(\d+) times (.*?)>>/gs, (_, count: string, part: string) => part.repeat(Number(count)))
    .replaceAll(/\{(\w[\w, ]*)\}/g, (_, name: string) => {
      const [content, text] = [contents[name], templates[name]];
      if (content === undefined && text === undefined) throw new Error(`Nothing is called ${name}.`);
      return content ?? fill(text ?? '', contents, templates);
    });

/** Completes the head of a request, which ends at the first empty line. */
const complete = (text: string): string => {
  const [, head = '', body] = /^(.*?)(?:\n\n(.*))?$/s.exec(text) ?? [];
  const [line = '', ...headers] = head.split('\n');
  if (body !== undefined && !/^(content-length|transfer-encoding):/im.test(head))
    headers.push(`Content-Length: ${body.length}`);
  const all = [`${line} HTTP/1.1`, 'Host: x', 'Connection: close', 'X-Request-Id: baseline', ...headers];
  return [...all, '', body ?? ''].join('\r\n');
};

/** Keeps JSON as JSON if that is lossless, and replaces long texts with their checksum. */
const compared = (body: string): unknown => {
  try {
    const json: unknown = JSON.parse(body);
    if (JSON.stringify(json) === body) return json;
  } catch {
    // Not JSON.
  }
  return body.length > 500 ? { length: body.length, sha256: checksum(body) } : body;
};

/** By a socket, because HTTP clients add headers, and refuse to send what is malformed. */
const ask = async (base: string, request: string): Promise<unknown> => {
  const socket = connect(Number(new URL(base).port), '127.0.0.1').setEncoding('latin1');
  let received = '';
  await new Promise((resolve) => {
    socket.on('error', () => {}).once('close', resolve);
    socket.setTimeout(30_000, () => socket.destroy());
    socket.on('data', (chunk: string) => {
      received += chunk;
      const [head = '', body = ''] = received.split('\r\n\r\n');
      // The connection of a request that was refused early closes much later.
      const [, length] = /^content-length: (\d+)/im.exec(head) ?? [];
      if (length !== undefined && body.length >= Number(length)) socket.destroy();
    });
    socket.write(request, 'latin1');
  });
  const text = masked(Buffer.from(received, 'latin1').toString())
    .replaceAll(/\r\ndate: [^\r]*/gi, '')
    .replace(/"timings":\{.*?\}/, '"timings":{}');
  const [head = '', ...body] = text.split('\r\n\r\n');
  const [status, ...headers] = head
    .split('\r\n')
    .filter((line) => !/^(connection|content-length|keep-alive|server-timing):/i.test(line))
    .map((line) => line.replace(/^[\w-]+:/, (name) => name.toLowerCase()));
  return { status, headers: headers.sort(), body: compared(body.join('\r\n\r\n')) };
};

export const writeAnswers = async (out: string): Promise<void> => {
  const ports = { WEB_PORT: '0', WAS_PORT: '0', ENDPOINT_PORT: '0' };
  /** Longer than any answer takes, even on a busy machine. */
  const patient = { ENDPOINT_TIMEOUT_MS: '20000' };
  const system = new Command('npm start -s', { ...patient, HOST: '127.0.0.1', ...ports });
  await system.until(() => system.stdout.includes('Ready:'));
  const findUrl = (name: string) => new RegExp(`${name} +(http://\\S+)`).exec(system.stdout)?.[1] ?? '';
  const status = await (await fetch(`${findUrl('endpoint')}/v1/models/image-classifier`)).text();
  const [, version = ''] = /"version":"(\d+)"/.exec(status) ?? [];
  const contents = await readPictures();
  for (const [name, group] of Object.entries<Group>(requests.groups))
    for (const to of group.to) {
      say(`answers: ${name} of ${to}`);
      const { start = '', end = '', rows, raw = false } = group;
      const [, service = '', route = ''] = /^(\w+)(.*)$/.exec(to) ?? [];
      const answers: Record<string, unknown> = {};
      // One at a time, so that none waits for another.
      for (const [key, row] of Object.entries<string>(rows)) {
        const text = fill(`${start}${row}${end}`, contents, { ...requests.texts, version, route });
        answers[Array.isArray(rows) ? row : key] = await ask(findUrl(service), raw ? text : complete(text));
      }
      write(path.join(out, name, `${to.replaceAll(/\W+/g, '-')}.json`), pretty(answers));
    }
  await system.stop();
};
