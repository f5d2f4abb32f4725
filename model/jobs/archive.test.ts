import assert from 'node:assert/strict';
import { lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { create, Header } from 'tar';
import { MODEL_ARCHIVE } from '../contract/sagemaker-jobs.ts';
import { holdsArchive, withArchive } from './archive.ts';
import { writeFiles } from './files.ts';
import { packModel, withOptMl } from './testing.ts';

const BLOCK = 512;

/** An archive of one file under any path. */
const hostile = (name: string): Uint8Array => {
  const header = Buffer.alloc(BLOCK);
  const content = Buffer.alloc(BLOCK, 'x');
  new Header({ path: name, size: BLOCK, type: 'File', mode: 0o644, mtime: new Date(0) }).encode(header, 0);
  return gzipSync(Buffer.concat([header, content, Buffer.alloc(2 * BLOCK)]));
};

test('what was packed is there while the work lasts, and not after', () =>
  withOptMl(async (optMl) => {
    await writeFiles(optMl.at('model'), { 'photos.json': '{}', 'deep/1/saved_model.pb': 'bytes' });
    await packModel(optMl.at('model'), optMl.at('packed'));
    assert.equal(await holdsArchive(optMl.at('packed')), true);
    const folder = await withArchive(optMl.at('packed'), async (unpacked) => {
      assert.equal(await readFile(path.join(unpacked, 'deep/1/saved_model.pb'), 'utf8'), 'bytes');
      return unpacked;
    });
    await assert.rejects(readdir(folder), { code: 'ENOENT' });
  }));

test('a folder that is empty, missing, or holds something else has no archive', () =>
  withOptMl(async (optMl) => {
    await writeFiles(optMl.at('note'), { 'README.txt': 'nothing' });
    for (const name of ['note', 'missing', '.'])
      assert.equal(await holdsArchive(optMl.at(name)), false, name);
  }));

for (const name of ['../escaped.txt', '/escaped.txt', 'deep/../../escaped.txt']) {
  test(`an archive that reaches for ${name} is refused`, () =>
    withOptMl(async (optMl) => {
      await writeFiles(optMl.at('packed'), { [MODEL_ARCHIVE]: hostile(name) });
      await assert.rejects(
        withArchive(optMl.at('packed'), async () => assert.fail('it was unpacked')),
        { message: /cannot be unpacked/ },
      );
    }));
}

test('links are not unpacked', () =>
  withOptMl(async (optMl) => {
    await mkdir(optMl.at('model'));
    await symlink('/etc', optMl.at('model', 'link'));
    await writeFile(optMl.at('model', 'file'), 'content');
    await mkdir(optMl.at('packed'));
    await create({ cwd: optMl.at('model'), gzip: true, file: optMl.at('packed', MODEL_ARCHIVE) }, ['.']);
    await withArchive(optMl.at('packed'), async (unpacked) => {
      assert.deepEqual(await readdir(unpacked), ['file']);
      assert.ok((await lstat(path.join(unpacked, 'file'))).isFile());
    });
  }));

test('an archive that was cut short is refused by its name', () =>
  withOptMl(async (optMl) => {
    await writeFiles(optMl.at('model'), { 'photos.json': 'x'.repeat(5000) });
    await packModel(optMl.at('model'), optMl.at('packed'));
    const file = optMl.at('packed', MODEL_ARCHIVE);
    await writeFile(file, (await readFile(file)).subarray(0, -20));
    await assert.rejects(
      withArchive(optMl.at('packed'), async () => 'done'),
      ({ message }: Error) => message.includes(file) && /cannot be unpacked/.test(message),
    );
  }));
