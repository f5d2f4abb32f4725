import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readFormFile } from './upload.ts';

const file = Buffer.from('\r\n--no delimiter, \x00 and no text either\r\n', 'latin1');
const part = (head: string, content: Uint8Array = file) =>
  Buffer.concat([Buffer.from(`--b\r\n${head}\r\n\r\n`), content, Buffer.from('\r\n')]);
const form = (...parts: Uint8Array[]) => Buffer.concat([...parts, Buffer.from('--b--\r\n')]);
const read = (body: Buffer, contentType = 'multipart/form-data; boundary=b') =>
  readFormFile({ form: body, contentType, field: 'file' });

const PLAIN = 'Content-Disposition: form-data; name="file"; filename="a.jpg"';
const TEXT = 'Content-Disposition: form-data; name="file"';
const OTHER = 'Content-Disposition: form-data; name="other"; filename="a.jpg"';

describe('a file is found', () => {
  const heads: Record<string, string> = {
    'as browsers write it': `${PLAIN}\r\nContent-Type: image/jpeg`,
    'as .NET writes it':
      "Content-Type: image/jpeg\r\nContent-Disposition: form-data; name=file; filename=a.jpg; filename*=utf-8''a.jpg",
    'as older Python requests write a Korean name': `${TEXT}; filename*=utf-8''%EA%BD%83.jpg`,
    'with a quote in its name': `${TEXT}; filename="a\\"b.jpg"`,
    'with its name before the field': 'content-disposition:form-data;filename="a.jpg";name="file"',
    'without a name': `${TEXT}; filename=""`,
  };
  for (const [name, head] of Object.entries(heads))
    test(name, async () => assert.deepEqual(await read(form(part(head))), file));

  test('between other fields, a preamble and an epilogue', async () => {
    const parts = [part(OTHER, Buffer.from('x')), part(TEXT, Buffer.from('x')), part(PLAIN)];
    const surrounded = Buffer.concat([Buffer.from('hello\r\n'), form(...parts), Buffer.from('bye')]);
    assert.deepEqual(await read(surrounded), file);
  });

  test('empty', async () =>
    assert.deepEqual(await read(form(part(PLAIN, Buffer.alloc(0)))), Buffer.alloc(0)));
});

test('of several files in the field the first is taken', async () =>
  assert.deepEqual(await read(form(part(PLAIN), part(PLAIN, Buffer.from('x')))), file));

test('a form without a file in the field has none', async () => {
  assert.equal(await read(form()), undefined);
  assert.equal(await read(form(part(TEXT), part(OTHER), part('Content-Type: image/jpeg'))), undefined);
});

const CUT_SHORT = {
  nothing: Buffer.alloc(0),
  'part of a boundary': Buffer.from('--b'),
  'another file, and no end': part(OTHER),
  'the file, and no end': part(PLAIN),
  'half of the file': part(PLAIN).subarray(0, -20),
  'half of another file': part(OTHER).subarray(0, -20),
  'the head of the file': Buffer.from(`--b\r\n${PLAIN}`),
};
for (const [name, body] of Object.entries(CUT_SHORT))
  test(`a form that is ${name} is an error`, () => assert.rejects(read(body)));

test('a form of very many parts is refused', async () => {
  const fields = Array.from({ length: 101 }, () => part(TEXT, Buffer.from('x')));
  await assert.rejects(read(form(...fields)), /more than 100 parts/);
  assert.deepEqual(await read(form(...fields.slice(0, 99), part(PLAIN))), file);
});

test('the boundary may be quoted, and stand among other parameters', async () =>
  assert.deepEqual(
    await read(form(part(PLAIN)), 'Multipart/Form-Data; charset=utf-8; Boundary="b"; x=y'),
    file,
  ));

test('a form without a boundary is an error', () =>
  assert.rejects(read(form(part(PLAIN)), 'multipart/form-data')));
