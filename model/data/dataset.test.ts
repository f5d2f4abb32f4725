import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Sharp } from 'sharp';
import { temporaryFolder } from '../../tests/temporary-folder.ts';
import { PHOTO_BYTES } from '../contract/tensors.ts';
import { plain } from '../photo/test-photos.ts';
import { assertSameBytes } from '../shared/test-pictures.ts';
import { readDataset, readExclusions } from './dataset.ts';

type Files = Readonly<Record<string, Sharp | string>>;

const RED = plain([200, 0, 0]).png();
const GREEN = plain([0, 200, 0]).png();
const BLUE = plain([0, 0, 200]).png();

/** A folder that holds the files; a name that ends with a slash is an empty folder. */
const folderOf = async (t: TestContext, files: Files): Promise<string> => {
  const root = temporaryFolder(t);
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(root, name);
    await mkdir(name.endsWith('/') ? file : path.dirname(file), { recursive: true });
    if (name.endsWith('/')) continue;
    await writeFile(file, typeof content === 'string' ? content : await content.toBuffer());
  }
  return root;
};

const two = (folder: string): Files => ({ [`${folder}/a/1.png`]: RED, [`${folder}/b/1.png`]: BLUE });
const TWO = two('.');
const EXCLUDED = { a: { '2.png': 'leaves', 'gone.png': 'a hat' }, c: { '1.png': 'no class of that name' } };

/** What a folder holds, the photos that it gives, and what is left out, each with the reason. */
const READ: readonly (readonly [
  what: string,
  files: Files,
  photos: readonly string[],
  leftOut: readonly RegExp[],
])[] = [
  [
    'classes by name, photos of every format',
    {
      'tulip/a.jpg': plain([200, 0, 0]).jpeg(),
      'daisy/b.png': GREEN,
      'rose/c.webp': plain([0, 0, 9]).webp(),
    },
    ['0 daisy/b.png', '1 rose/c.webp', '2 tulip/a.jpg'],
    [],
  ],
  [
    'files beside the classes, hidden ones, and a deeper folder',
    { ...TWO, 'LICENSE.txt': 'free', '.cache/x.png': RED, 'a/.DS_Store': 'x', 'a/deeper/2.png': GREEN },
    ['0 a/1.png', '1 b/1.png'],
    [/^a.deeper: .*directly in the folder of their class/],
  ],
  [
    'a file that cannot be read',
    { ...TWO, 'a/notes.jpg': 'no photo' },
    ['0 a/1.png', '1 b/1.png'],
    [/^a.notes\.jpg: .*not a photo in an accepted format/],
  ],
  [
    'copies, renamed or losslessly encoded again',
    { ...TWO, 'a/2.png': RED, 'a/3.webp': plain([200, 0, 0]).webp({ lossless: true }), 'a/4.png': GREEN },
    ['0 a/1.png', '0 a/4.png', '1 b/1.png'],
    [/^a.2\.png: a copy of a.1\.png$/, /^a.3\.webp: a copy of a.1\.png$/],
  ],
  [
    'a picture in two classes',
    { ...TWO, 'a/2.png': GREEN, 'b/3.png': GREEN },
    ['0 a/1.png', '1 b/1.png'],
    [/^a.2\.png: .*two classes .*2\.png.*3\.png/, /^b.3\.png: .*two classes .*2\.png.*3\.png/],
  ],
  [
    'a list of photos to leave out',
    { ...TWO, 'a/2.png': GREEN, 'excluded.json': JSON.stringify(EXCLUDED) },
    ['0 a/1.png', '1 b/1.png'],
    [/^excluded\.json: 1 file that it names$/],
  ],
  [
    'folders of systems, and of models, and a class of trains',
    {
      ...{ ...TWO, 'train/1.png': GREEN, '__MACOSX/a/._1.png': 'x', '@eaDir/1.png': 'x' },
      ...{ 'model/MODEL_CARD.md': 'x', 'a training/checkpoints/1': 'x' },
    },
    ['0 a/1.png', '1 b/1.png', '2 train/1.png'],
    [/^@eaDir: .*system/, /^__MACOSX: /, /^a training: .*a model \(checkpoints\)/, /^model: .*MODEL_CARD/],
  ],
];
for (const [what, files, photos, leftOut] of READ)
  test(`a dataset is read: ${what}`, async (t) => {
    const { examples, skipped } = await readDataset(await folderOf(t, files));
    const found = examples.map(({ file, label }) => `${label} ${file.replaceAll(path.sep, '/')}`);
    assert.deepEqual(found, photos);
    const reasons = skipped.map(({ file, reason }) => `${file}: ${reason}`);
    assert.equal(reasons.length, leftOut.length, reasons.join());
    leftOut.forEach((reason, index) => {
      assert.match(reasons[index] ?? '', reason);
    });
  });

test('a photo is read as pixels, and a catalogue next to the classes names them', async (t) => {
  const a = { en: { name: 'Cat', description: 'It purrs.' } };
  const root = await folderOf(t, { ...TWO, 'catalogue.json': JSON.stringify({ classes: { a } }) });
  const { labels, examples, catalogue } = await readDataset(root);
  assert.deepEqual(labels, ['a', 'b']);
  assert.equal(catalogue?.classes['a']?.ko.name, 'Cat');
  const [{ pixels } = { pixels: Buffer.of() }] = examples;
  assert.equal(pixels.length, PHOTO_BYTES);
  assertSameBytes(pixels.subarray(0, 3), Uint8Array.of(200, 0, 0));
  await writeFile(path.join(root, 'catalogue.json'), '[]');
  await assert.rejects(readDataset(root), /catalogue\.json cannot be used: it: /);
});

test('photos and classes may be links; one that leads nowhere is left out', async (t) => {
  const folder = await folderOf(t, { 'elsewhere/a/1.png': RED, 'photos/b/2.png': BLUE });
  const root = path.join(folder, 'photos');
  await symlink(path.join(folder, 'elsewhere/a'), path.join(root, 'a'));
  await symlink(path.join(folder, 'elsewhere/a/1.png'), path.join(root, 'b/2-too.png'));
  await symlink(path.join(folder, 'nowhere'), path.join(root, 'b/4.png'));
  await writeFile(path.join(root, 'a/5.png'), await GREEN.toBuffer());
  const { examples, skipped } = await readDataset(root);
  // The picture of 1.png is in both classes.
  const found = examples.map(({ file }) => file);
  assert.deepEqual(found, [path.join('a', '5.png'), path.join('b', '2.png')]);
  assert.equal(skipped.length, 2);
});

test('a given folder or list must exist; the list may have any name', async (t) => {
  const root = await folderOf(t, { ...TWO, 'a/2.png': GREEN, 'given.json': JSON.stringify(EXCLUDED) });
  const { examples } = await readDataset(root, { exclude: path.join(root, 'given.json') });
  assert.equal(examples.length, 2);
  const exclude = path.join(root, 'nowhere.json');
  await assert.rejects(
    readDataset(root, { exclude }),
    /nowhere\.json cannot be read as a list .* no such file\.$/,
  );
  await assert.rejects(readDataset(path.join(root, 'no')), /.no cannot .* one folder of photos per class/);
});

test('the list for the sixteen flowers is one, with a reason for each photo', async () => {
  const file = fileURLToPath(new URL('flowers-16-excluded.json', import.meta.url));
  assert.equal((await readExclusions(file, { optional: false })).size, 209);
});

const EMPTY = /without usable photos: lily\. Put .* or remove the folders\.$/;
const NO_LIST = /It must be an object of classes/;

const REFUSED: Readonly<Record<string, readonly [files: Files, message: RegExp]>> = {
  'a list with an empty reason': [{ ...TWO, 'excluded.json': '{"a": {"1.png": ""}}' }, NO_LIST],
  'a list that is not JSON': [{ ...TWO, 'excluded.json': 'a, 1.png' }, NO_LIST],
  'train, val and test': [
    { ...two('train'), ...two('val'), ...two('test') },
    /classes are in .*train\. Give that folder in place of /,
  ],
  'parts one folder deeper, and a table': [
    { ...two('archive/train'), ...two('archive/test'), 'archive/labels.csv': 'x', 'images/': '' },
    /classes are in .*archive.train\./,
  ],
  'parts with photos, labelled in a table': [
    { 'train/1.png': RED, 'test/2.png': BLUE, 'train.csv': 'x' },
    /contains parts of a dataset \(test, train\), not classes, and tables of labels are not supported\. Put /,
  ],
  'classes two folders deeper, on a Mac': [
    { ...two('data/flowers'), '__MACOSX/data/._a': 'x' },
    /classes are in .*flowers\./,
  ],
  'photos without folders': [
    { '1.png': RED },
    /photos are directly in .*Give a folder with one folder of photos per class/,
  ],
  'no classes': [{}, /at least two folders.*; it has none\.$/],
  'one class': [{ 'a/': '' }, /at least two folders.*; it has only one\.$/],
};
for (const [what, [files, message]] of Object.entries(REFUSED))
  test(`a dataset with ${what} is refused before a photo is read`, async (t) => {
    const onProgress = () => assert.fail('a photo was read');
    await assert.rejects(readDataset(await folderOf(t, files), { onProgress }), message);
  });

const WITHOUT_LILIES: readonly Files[] = [
  { ...TWO, 'lily/': '' },
  { ...TWO, 'lily/1.png': 'broken' },
  { ...TWO, 'a/2.png': GREEN, 'b/2.png': plain([9, 9, 9]).png(), 'lily/1.png': GREEN },
];
test('a class that is empty, or whose photos are broken or in another class too, is refused by name', async (t) => {
  for (const files of WITHOUT_LILIES) await assert.rejects(readDataset(await folderOf(t, files)), EMPTY);
});
