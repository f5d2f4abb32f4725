import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { create } from 'tar';
import { loadBackend } from '../../model/backend/backend.ts';
import { MODEL_NAME } from '../../model/contract/tensors.ts';
import { createEndpointApp } from '../../services/endpoint/app.ts';
import { ModelWatcher } from '../../services/endpoint/model-watcher.ts';
import { ModelStore } from '../../services/endpoint/models.ts';
import { tinySavedModel } from '../../services/endpoint/tiny-endpoint.ts';
import { startServer } from '../../services/http/server.ts';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { prepareServedModel } from '../shared/served-model.ts';
import { serveArchive } from './local-endpoint.ts';

await loadBackend({ native: false });
const log = pino({ level: 'silent' });

const store = (folder: string, version: string, content: string | Uint8Array) => {
  const directory = path.join(folder, MODEL_NAME, version);
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, 'saved_model.pb'), content);
};

/** A local endpoint that serves version 5 of a folder, and archives to put in its place. */
const start = async (t: TestContext) => {
  const root = temporaryFolder(t);
  const folder = path.join(root, 'endpoint');
  store(folder, '5', tinySavedModel('5'));
  const models = await ModelStore.load({ directory: folder });
  const app = createEndpointApp({ store: models, endpointName: MODEL_NAME, log });
  const server = await startServer({ fetch: app.fetch, port: 0, hostname: '127.0.0.1', log });
  t.after(() => server.stop(0));
  const watcher = new ModelWatcher({ directory: folder, store: models, log });
  watcher.start();
  t.after(() => watcher.stop());
  const deploy = async (version: string, content: string | Uint8Array = tinySavedModel(version)) => {
    const packed = path.join(root, `packed-${version}`);
    store(packed, version, content);
    const archive = path.join(root, `${version}.tar.gz`);
    await create({ cwd: packed, file: archive, gzip: true }, readdirSync(packed));
    return serveArchive({ archive, name: MODEL_NAME }, folder, server.url);
  };
  const versions = () => readdirSync(path.join(folder, MODEL_NAME));
  return { root, folder, deploy, versions, served: () => models.find(MODEL_NAME).version };
};

test('a model of any version replaces the previous one, also of the same version', async (t) => {
  const { folder, deploy, versions, served } = await start(t);
  for (const version of ['5', '7', '3']) {
    assert.equal(await deploy(version), version);
    assert.equal(served(), version);
    assert.deepEqual(versions(), [version]);
    assert.deepEqual(await prepareServedModel(folder), { version, deployed: true });
  }
});

test('a model that cannot be served leaves the one before, in memory and on disk', async (t) => {
  const { root, deploy, versions, served } = await start(t);
  for (const version of ['7', '3']) {
    await assert.rejects(deploy(version, 'no model'), /saved_model\.pb cannot be served\./);
    assert.equal(served(), '5');
    assert.deepEqual(versions(), ['5']);
  }
  assert.equal(await deploy('7'), '7');
  assert.deepEqual(
    readdirSync(root).filter((name) => name.startsWith('endpoint')),
    ['endpoint'],
  );
});
