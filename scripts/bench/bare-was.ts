import { Agent, createServer, type IncomingMessage, request } from 'node:http';
import { readPhoto } from '../../model/photo/read-photo.ts';

/**
 * The minimal work of `was`, as a reference for it: a form split in two lines, the decoding of the photo contract,
 * base64 in JSON, and one POST over a kept-alive connection.
 *
 * PORT=8090 ENDPOINT_URL=http://127.0.0.1:8080/endpoints/image-classifier/invocations node --import tsx
 * scripts/bench/bare-was.ts
 */

const { PORT = '8090', ENDPOINT_URL = '' } = process.env;
const agent = new Agent({ keepAlive: true });

const readAll = async (message: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  return Buffer.concat(chunks);
};

const cutForm = (body: Buffer): Buffer => {
  const boundary = body.subarray(0, body.indexOf('\r\n'));
  return body.subarray(body.indexOf('\r\n\r\n') + 4, body.lastIndexOf(boundary) - 2);
};

const invoke = (body: string): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length };
    request(ENDPOINT_URL, { method: 'POST', agent, headers }, (answer) => {
      readAll(answer).then(resolve, reject);
    })
      .on('error', reject)
      .end(body);
  });

createServer(async (incoming, outgoing) => {
  if (incoming.method !== 'POST') return void outgoing.end();
  const body = await readAll(incoming);
  const file = incoming.headers['content-type']?.startsWith('multipart/') ? cutForm(body) : body;
  const pixels = Buffer.from(await readPhoto(file));
  const answer = await invoke(`{"instances":[{"photo":{"b64":"${pixels.toString('base64')}"}}]}`);
  const [prediction] = JSON.parse(String(answer)).predictions;
  outgoing.setHeader('Content-Type', 'application/json').end(JSON.stringify({ result: prediction }));
}).listen(Number(PORT), '127.0.0.1');
