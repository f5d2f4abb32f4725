import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { Sharp } from 'sharp';
import { PHOTO_BYTES } from '../contract/tensors.ts';
import { encoder, plain } from '../photo/test-photos.ts';
import { assertSameBytes, gradient } from '../shared/test-pictures.ts';
import { readDataset } from './dataset.ts';
import { readExclusions } from './exclusions.ts';

type Files = Readonly<Record<string, Sharp | string>>;

const red = () => plain([200, 0, 0]);
const green = () => plain([0, 200, 0]);
const blue = () => plain([0, 0, 200]);
const black = () => plain([0, 0, 0]);

const prefixed = (folder: string, files: Files): Files =>
  Object.fromEntries(Object.entries(files).map(([name, content]) => [`${folder}/${name}`, content]));

/** Runs `work` on a folder that holds the files; a name that ends with a slash is an empty folder. */
const withFolder = async (files: Files, work: (root: string) => Promise<void>): Promise<void> => {
  const root = await mkdtemp(path.join(tmpdir(), 'dataset-'));
  try {
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(root, name);
      await mkdir(name.endsWith('/') ? file : path.dirname(file), { recursive: true });
      if (name.endsWith('/')) continue;
      await writeFile(file, typeof content === 'string' ? content : await content.toBuffer());
    }
    await work(root);
  } finally {
    await rm(root, { recursive: true });
  }
};

test('labels are the sorted folder names, and each photo carries the index of its own', () =>
  withFolder(
    { 'tulip/a.jpg': red().jpeg(), 'daisy/b.png': green().png(), 'rose/c.webp': blue().webp() },
    async (root) => {
      const { labels, examples, skipped } = await readDataset(root);
      assert.deepEqual(labels, ['daisy', 'rose', 'tulip']);
      const found = examples.map(({ file, label }) => `${label} ${file.replaceAll(path.sep, '/')}`);
      assert.deepEqual(found, ['0 daisy/b.png', '1 rose/c.webp', '2 tulip/a.jpg']);
      assert.deepEqual(skipped, []);
      for (const { pixels } of examples) assert.equal(pixels.length, PHOTO_BYTES);
      assertSameBytes(examples[0]?.pixels.subarray(0, 3) ?? Buffer.of(), Uint8Array.of(0, 200, 0));
    },
  ));

test('a catalogue next to the classes names and describes them', () => {
  const photos = { 'cat/a.png': red().png(), 'dog/b.png': blue().png() };
  const cat = { en: { name: 'Cat', description: 'It purrs.' } };
  return withFolder({ ...photos, 'catalogue.json': JSON.stringify({ classes: { cat } }) }, async (root) => {
    const { labels, catalogue } = await readDataset(root);
    assert.deepEqual(labels, ['cat', 'dog']);
    assert.equal(catalogue?.classes['cat']?.ko.name, 'Cat');
    await writeFile(path.join(root, 'catalogue.json'), '[]');
    await assert.rejects(readDataset(root), /catalogue\.json cannot be used: it: /);
  });
});

test('files beside the class folders and hidden ones are not photos', () =>
  withFolder(
    {
      'LICENSE.txt': 'free',
      '.cache/x.png': red().png(),
      'a/.DS_Store': 'junk',
      'a/1.png': red().png(),
      'a/deeper/2.png': black().png(),
      'b/1.png': blue().png(),
    },
    async (root) => {
      const { labels, examples, skipped } = await readDataset(root);
      assert.deepEqual(labels, ['a', 'b']);
      assert.equal(examples.length, 2);
      assert.deepEqual(
        skipped.map(({ file }) => file),
        [path.join('a', 'deeper')],
      );
      assert.match(skipped[0]?.reason ?? '', /directly in the folder of their class/);
    },
  ));

test('photos and classes may be links; one that leads nowhere is left out', () =>
  withFolder({ 'elsewhere/a/1.png': red().png(), 'photos/b/2.png': blue().png() }, async (folder) => {
    const root = path.join(folder, 'photos');
    await symlink(path.join(folder, 'elsewhere/a'), path.join(root, 'a'));
    await symlink(path.join(folder, 'elsewhere/a/1.png'), path.join(root, 'b/3.png'));
    await symlink(path.join(folder, 'nowhere'), path.join(root, 'b/4.png'));
    await writeFile(path.join(root, 'a/5.png'), await green().png().toBuffer());
    const { labels, examples, skipped } = await readDataset(root);
    assert.deepEqual(labels, ['a', 'b']);
    // The picture of 1.png is in both classes.
    assert.deepEqual(
      examples.map(({ file }) => file),
      [path.join('a', '5.png'), path.join('b', '2.png')],
    );
    assert.equal(skipped.length, 2);
  }));

test('a file that cannot be read is left out and reported with the reason', () =>
  withFolder({ 'a/1.png': red().png(), 'a/notes.jpg': 'no photo', 'b/1.png': blue().png() }, async (root) => {
    const { examples, skipped } = await readDataset(root);
    assert.equal(examples.length, 2);
    assert.deepEqual(
      skipped.map(({ file }) => file),
      [path.join('a', 'notes.jpg')],
    );
    assert.match(skipped[0]?.reason ?? '', /not a photo in an accepted format/);
  }));

test('of copies one is kept, even when they are renamed or losslessly encoded again', () =>
  withFolder(
    {
      'a/1.png': encoder(gradient(80, 60)).png(),
      'a/2-renamed.png': encoder(gradient(80, 60)).png(),
      'a/3.webp': encoder(gradient(80, 60)).webp({ lossless: true }),
      'a/4-other.png': red().png(),
      'b/1.png': blue().png(),
    },
    async (root) => {
      const { examples, skipped } = await readDataset(root);
      const kept = examples.map(({ file }) => path.basename(file));
      assert.deepEqual(kept, ['1.png', '4-other.png', '1.png']);
      assert.deepEqual(
        skipped.map(({ file, reason }) => `${path.basename(file)}: ${reason}`),
        ['2-renamed.png', '3.webp'].map((name) => `${name}: a copy of ${path.join('a', '1.png')}`),
      );
    },
  ));

test('a picture that is in two classes is left out of both', () =>
  withFolder(
    {
      'a/1.png': red().png(),
      'a/same.png': green().png(),
      'b/1.png': blue().png(),
      'b/also-same.webp': green().webp({ lossless: true }),
    },
    async (root) => {
      const { examples, skipped } = await readDataset(root);
      assert.deepEqual(
        examples.map(({ file }) => path.basename(file)),
        ['1.png', '1.png'],
      );
      assert.deepEqual(
        skipped.map(({ file }) => file),
        [path.join('a', 'same.png'), path.join('b', 'also-same.webp')],
      );
      for (const { reason } of skipped) assert.match(reason, /two classes .*same\.png.*also-same\.webp/);
    },
  ));

test('progress counts every file once, up to the last', () =>
  withFolder(
    {
      // The first file takes longest, so that the others overtake it.
      'a/1.png': encoder(gradient(2500, 2000)).png(),
      'a/2.png': red().png(),
      'b/1.png': blue().png(),
      'b/2.png': 'broken',
      'b/3.png': black().png(),
    },
    async (root) => {
      const calls: string[] = [];
      await readDataset(root, { onProgress: (done, total) => calls.push(`${done}/${total}`) });
      assert.deepEqual(calls, ['1/5', '2/5', '3/5', '4/5', '5/5']);
    },
  ));

test('a folder that is not there is named, with what it should hold', () =>
  withFolder({}, async (root) => {
    const missing = path.join(root, 'nowhere');
    await assert.rejects(readDataset(missing), ({ message }: Error) => {
      assert.ok(message.includes(missing));
      assert.match(message, /one folder of photos per class/);
      return true;
    });
  }));

const EXCLUDED = { a: { '2.png': 'leaves', 'gone.png': 'a hat' }, c: { '1.png': 'no class of that name' } };

for (const given of [undefined, 'given.json']) {
  test(`photos that ${given ?? 'excluded.json'} names are left out, and counted`, () =>
    withFolder(
      { 'a/1.png': red().png(), 'a/2.png': green().png(), 'b/2.png': blue().png() },
      async (root) => {
        const name = given ?? 'excluded.json';
        await writeFile(path.join(root, name), JSON.stringify(EXCLUDED));
        const exclude = given && path.join(root, given);
        const { examples, skipped } = await readDataset(root, { exclude });
        const files = examples.map(({ file }) => file);
        assert.deepEqual(files, [path.join('a', '1.png'), path.join('b', '2.png')]);
        assert.deepEqual(skipped, [{ file: name, reason: '1 file that it names' }]);
      },
    ));
}

const NO_LIST: Readonly<Record<string, RegExp>> = {
  '{"a": ["1.png"]}': /It must hold the classes.*expected record, received array/s,
  '{"a": {"1.png": ""}}': /It must hold the classes/,
  'a, 1.png': /It must hold the classes.*JSON/,
};

for (const [content, message] of Object.entries(NO_LIST)) {
  test(`a list of photos to leave out that reads ${content} is refused`, () =>
    withFolder({ 'a/1.png': red().png(), 'excluded.json': content }, async (root) => {
      await assert.rejects(readDataset(root), { message });
    }));
}

test('a list of photos to leave out that was given must be there', () =>
  withFolder({ 'a/1.png': red().png() }, async (root) => {
    await assert.rejects(readDataset(root, { exclude: path.join(root, 'nowhere.json') }), {
      message: /nowhere\.json cannot be read as a list .* There is no such file\.$/,
    });
  }));

test('the list for the sixteen flowers is one, with a reason for each photo', async () => {
  const file = path.join(import.meta.dirname, 'flowers-16-excluded.json');
  assert.equal((await readExclusions(file, { optional: false })).size, 209);
});

const two = (folder: string): Files => ({
  [`${folder}/a/1.png`]: red().png(),
  [`${folder}/b/1.png`]: blue().png(),
});

/** Folders beside the classes that are none, and a part of the reason. */
const PASSED_OVER: Readonly<Record<string, { files: Files; reason: RegExp }>> = {
  __MACOSX: {
    files: { '__MACOSX/._a': 'x', '__MACOSX/a/._1.png': 'x' },
    reason: /of an archive, not a class/,
  },
  '@eaDir': { files: { '@eaDir/1.png': 'x' }, reason: /of the system/ },
  model: {
    files: { 'model/MODEL_CARD.md': 'x', 'model/mistakes.jpg': 'x' },
    reason: /a model \(MODEL_CARD\.md\)/,
  },
  'a training': { files: { 'a training/checkpoints/1': 'x' }, reason: /a model \(checkpoints\)/ },
};

for (const [name, { files, reason }] of Object.entries(PASSED_OVER)) {
  test(`the folder ${name} is no class, and said to be passed over`, () =>
    withFolder({ ...two('all'), ...prefixed('all', files) }, async (root) => {
      const { labels, skipped } = await readDataset(path.join(root, 'all'));
      assert.deepEqual(labels, ['a', 'b']);
      assert.equal(skipped[0]?.file, name);
      assert.match(skipped[0]?.reason ?? '', reason);
    }));
}

test('a class of trains among other classes is one', () =>
  withFolder({ ...two('.'), 'train/1.png': green().png() }, async (root) => {
    assert.deepEqual((await readDataset(root)).labels, ['a', 'b', 'train']);
  }));

/** Folders that hold the classes elsewhere, or nowhere, and what to give in their place. */
const LAYOUTS: Readonly<Record<string, { files: Files; message: RegExp }>> = {
  'train, val and test': {
    files: { ...two('train'), ...two('val'), ...two('test') },
    message: /classes are in .*train\. Give that folder in place of /,
  },
  'Training_set and Test Set': {
    files: { ...two('Training_set'), ...two('Test Set') },
    message: /classes are in .*Training_set\./,
  },
  'parts one folder deeper, and a table': {
    files: { ...two('archive/train'), ...two('archive/test'), 'archive/labels.csv': 'x', 'images/': '' },
    message: /classes are in .*archive.train\./,
  },
  'parts with photos, labelled in a table': {
    files: { 'train/1.png': red().png(), 'test/2.png': blue().png(), 'train.csv': 'x' },
    message:
      /holds parts of a dataset \(test, train\), not classes, and a table of labels is not read\. Put /,
  },
  'classes one folder deeper': { files: two('flowers'), message: /classes are in .*flowers\./ },
  'classes two folders deeper, on a Mac': {
    files: { ...two('data/flowers'), '__MACOSX/data/._a': 'x' },
    message: /classes are in .*flowers\./,
  },
  'photos without folders': {
    files: { '1.png': red().png() },
    message: /photos are directly in .*Give a folder that holds one folder of photos per class/,
  },
};

for (const [name, { files, message }] of Object.entries(LAYOUTS)) {
  test(`${name}: refused before a photo is read`, () =>
    withFolder(files, async (root) => {
      const onProgress = () => assert.fail('a photo was read');
      await assert.rejects(readDataset(root, { onProgress }), { message });
    }));
}

const TOO_LITTLE: Readonly<Record<string, { files: Files; message: RegExp }>> = {
  'no classes': { files: {}, message: /at least two folders.*; it has none\.$/ },
  'one class': { files: { 'a/1.png': red().png() }, message: /at least two folders.*; it has only one\.$/ },
  'an empty class': {
    files: { 'a/1.png': red().png(), 'b/1.png': blue().png(), 'lily/': '' },
    message: /without usable photos: lily\. Put .* or take the folders away\.$/,
  },
  'a class of broken files': {
    files: { 'a/1.png': red().png(), 'lily/1.png': 'broken' },
    message: /without usable photos: lily\. Put .* or take the folders away\.$/,
  },
  'a class whose photos are all elsewhere too': {
    files: { 'a/1.png': red().png(), 'a/2.png': blue().png(), 'lily/1.png': red().png() },
    message: /without usable photos: lily\. Put .* or take the folders away\.$/,
  },
};

for (const [name, { files, message }] of Object.entries(TOO_LITTLE)) {
  test(`a dataset with ${name} is refused`, () =>
    withFolder(files, async (root) => {
      await assert.rejects(readDataset(root), { message });
    }));
}
