import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '../../model/shared/random.ts';
import { readJsonPhotos } from './json-photos.ts';

const random = seededRandom(3);
const photo = Buffer.from(Array.from({ length: 1000 }, () => random() * 256));
const base64 = photo.toString('base64');
const read = async (json: string) => {
  const photos = await readJsonPhotos({ json: Buffer.from(json), field: 'image' });
  return photos.map((found) => found ?? assert.fail('neither base64 nor a data URL'))[0];
};
const MIB = 2 ** 20;

describe('the photo is found', () => {
  const bodies: Record<string, string> = {
    alone: `{"image":"${base64}"}`,
    'among blanks': ` {\n"image" :\t"${base64}"\r\n} `,
    'behind a byte order mark': `\uFEFF{"image":"${base64}"}`,
    'behind other fields': `{"a":{"image":"x"},"b":[{"image":"y"},"image"],"c":"\\"image\\":\\"","image":"${base64}"}`,
    'before other fields': `{"image":"${base64}","a":-1.5e3,"b":[true,null],"c":"\\\\"}`,
    'where it is given twice: the last': `{"image":"AAAA","image":"${base64}"}`,
    'with an escaped name': `{"\\u0069mage":"${base64}"}`,
    'with slashes as PHP writes them': `{"image":"${base64.replaceAll('/', '\\/')}"}`,
    'with plus signs as .NET writes them': `{"image":"${base64.replaceAll('+', '\\u002B').replaceAll('=', '\\u003d')}"}`,
    'in lines as MIME has them': `{"image":"${base64.replace(/.{76}/g, '$&\\r\\n')}"}`,
    'as base64url': `{"image":"${photo.toString('base64url')}"}`,
    'as a data URL': `{"image":"data:image/png;name=a.png;base64,${base64}"}`,
    'as a data URL, escaped and in capital letters': `{"image":"DATA:image\\/png;BASE64,${base64}"}`,
  };
  for (const [name, body] of Object.entries(bodies))
    test(name, async () => assert.deepEqual(await read(body), photo));

  test('of every length', async () => {
    for (let length = 0; length < 9; length++) {
      const bytes = photo.subarray(0, length);
      const padded = bytes.toString('base64');
      for (const text of [padded, padded.replaceAll('=', '')])
        assert.deepEqual(await read(`{"image":"${text}"}`), bytes);
    }
  });

  test('of some megabytes, without blocking others', async () => {
    const large = Buffer.alloc(3 * MIB, photo);
    let turns = 0;
    const turn = setInterval(() => (turns += 1), 0);
    assert.deepEqual(await read(`{"image":"${large.toString('base64')}"}`), large);
    clearInterval(turn);
    assert.ok(turns > 0);
  });
});

test('JSON without a string in the field has no photo', async () => {
  const bodies = [
    '{}',
    'null',
    '"image"',
    '{"image":7}',
    '{"image":"AAAA","image":[]}',
    '{"image":["AAAA"]}',
  ];
  for (const body of [...bodies, '[{"image":"AAAA"}]', '{"a":{"image":"AAAA"}}'])
    assert.equal(await read(body), undefined, body);
});

const REFUSED: Record<string, [json: string, message: RegExp]> = {
  nothing: ['', /not JSON/],
  'no end': [`{"image":"${base64}`, /not JSON/],
  'more after its end': [`{"image":"${base64}"}}`, /not JSON/],
  'a comma too many': [`{"image":"${base64}",}`, /not JSON/],
  'the field in a list': [`["image":"${base64}"]`, /not JSON/],
  'a wrong escape': ['{"image":"AA\\xAA"}', /not JSON/],
  'a quote in the photo': ['{"image":"AA\\"AA"}', /neither base64/],
  'another letter': ['{"image":"AAA*"}', /neither base64/],
  'a letter after the padding': ['{"image":"AA==AA"}', /neither base64/],
  'too much padding': ['{"image":"AA==="}', /neither base64/],
  'one letter too many': ['{"image":"AAAAA"}', /neither base64/],
  'a data URL that is not base64': ['{"image":"data:image/png,AAAA"}', /neither base64/],
  'brackets in brackets': [`{"image":"","x":${'['.repeat(MIB)}${']'.repeat(MIB)}}`, /64 KiB/],
  'a list of numbers': [`{"image":"","x":[${'1,'.repeat(MIB)}1]}`, /64 KiB/],
  'a long text beside it': [`{"x":"${'\\"'.repeat(MIB)}","image":""}`, /64 KiB/],
};
for (const [name, [json, message]] of Object.entries(REFUSED))
  test(`JSON with ${name} is refused`, () => assert.rejects(read(json), message));

test('decoding ends with the request', async () => {
  const signal = AbortSignal.abort(new Error('gone'));
  const json = Buffer.from(`{"image":"${'A'.repeat(MIB)}"}`);
  await assert.rejects(readJsonPhotos({ json, field: 'image', signal }), /gone/);
});

test('a list of photos keeps the positions of invalid base64', async () => {
  const readAll = (json: string) =>
    readJsonPhotos({ json: Buffer.from(json), field: 'images', isList: true });
  const cases: Record<string, (Buffer | undefined)[]> = {
    [`{"a":["x"],"images": [ "${base64}" ,"data:image/png;base64,AAEC","*",""],"b":"y"}`]: [
      photo,
      Buffer.from([0, 1, 2]),
      undefined,
      Buffer.alloc(0),
    ],
    '{"images":["AAAA"],"images":["AAEC"]}': [Buffer.from([0, 1, 2])],
    '{"images":[]}': [],
    '{"images":"AAAA"}': [],
    '{"images":["AAAA",{"a":"b"},["c"]]}': [],
  };
  for (const [json, photos] of Object.entries(cases)) assert.deepEqual(await readAll(json), photos, json);
  const large = `"${'AAEC'.repeat(MIB)}"`;
  assert.equal((await readAll(`{"images":[${large},${large}]}`)).length, 2);
  await assert.rejects(readAll(`{"images":[${'"",'.repeat(30_000)}""]}`), /64 KiB/);
  await assert.rejects(readAll(`{"images":["AAAA","AAAA}`), /not JSON/);
});
