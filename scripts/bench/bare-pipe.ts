import { Agent, createServer, request } from 'node:http';

/**
 * A minimal pipe to `was`, as a reference for `web`: forwards bytes as they arrive, over a kept-alive connection.
 *
 * PORT=8091 WAS_URL=http://127.0.0.1:8081 node --import tsx scripts/bench/bare-pipe.ts
 */

const { PORT = '8091', WAS_URL = 'http://127.0.0.1:8081' } = process.env;
const agent = new Agent({ keepAlive: true });

createServer((incoming, outgoing) => {
  const { method, url, headers } = incoming;
  const upstream = request(new URL(url ?? '/', WAS_URL), { method, headers, agent }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  upstream.on('error', () => outgoing.destroy());
  incoming.pipe(upstream);
}).listen(Number(PORT), '127.0.0.1');
