import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pinned } from './base-images.ts';
import { startTestServer } from './deploy/fake-aws.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const OLD = `sha256:${'cd'.repeat(32)}`;

test('tags are pinned by what the registry says; where it says nothing, they stand and the file says so', async (t) => {
  const url = await startTestServer(t, (request, response) => {
    const { url: asked = '', headers, method } = request;
    const { host } = headers;
    if (asked === '/token?service=stub&scope=repository%3Anode%3Apull') response.end('{"token":"given"}');
    else if (method !== 'HEAD' || !headers.accept?.includes('image.index')) response.writeHead(400).end();
    else if (headers.authorization !== 'Bearer given')
      response
        .writeHead(401, {
          'WWW-Authenticate': `Bearer realm="http://${host}/token",service="stub",scope="repository:node:pull"`,
        })
        .end();
    else if (asked === '/v2/library/node/manifests/24')
      response.setHeader('Docker-Content-Digest', DIGEST).end();
    else response.writeHead(asked.endsWith('/1') ? 200 : 404).end();
  });
  const { host } = new URL(url);
  const node = '# Of the services.';
  const says = ' Not pinned: its digest could not be read.';
  const done = `${node}\nNODE=${host}/library/node:24@${DIGEST}\n# Below the libraries.${says}\nUBUNTU=${host}/gone:22.04\nOLD=${host}/gone:1@${OLD}\n`;
  const undone = done.replace(says, '').replace(node, `${node}${says}`).replace(`@${DIGEST}`, '');
  const failures: string[] = [];
  const text = await pinned(`${undone}${done}`, (...failure) => failures.push(failure.join(': ')));
  assert.equal(text, `${done}${done}`, 'another run changes nothing');
  assert.match(failures.join('\n'), /^UBUNTU: .*gone.* answered 404 without a digest$/m);
});
