import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { boundaryOf, readFormFile } from './form-file.ts';

const file = Buffer.from('\r\n--no delimiter, \x00 and no text either\r\n', 'latin1');
const part = (head: string, content: Uint8Array = file) =>
  Buffer.concat([Buffer.from(`--b\r\n${head}\r\n\r\n`), content, Buffer.from('\r\n')]);
const form = (...parts: Uint8Array[]) => Buffer.concat([...parts, Buffer.from('--b--\r\n')]);
const read = (body: Buffer) => readFormFile(body, 'b', 'file');

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
    test(name, () => assert.deepEqual(read(form(part(head))), file));

  test('between other fields, a preamble and an epilogue', () => {
    const parts = [part(OTHER, Buffer.from('x')), part(TEXT, Buffer.from('x')), part(PLAIN)];
    const surrounded = Buffer.concat([Buffer.from('hello\r\n'), form(...parts), Buffer.from('bye')]);
    assert.deepEqual(read(surrounded), file);
  });

  test('empty', () => assert.deepEqual(read(form(part(PLAIN, Buffer.alloc(0)))), Buffer.alloc(0)));
});

test('a form without a file in the field has none', () => {
  assert.equal(read(form()), undefined);
  assert.equal(read(form(part(TEXT), part(OTHER), part('Content-Type: image/jpeg'))), undefined);
});

test('a form without an end is an error', () => {
  for (const body of [
    Buffer.alloc(0),
    Buffer.from('--b'),
    part(OTHER),
    part(PLAIN),
    Buffer.from(`--b\r\n${PLAIN}`),
  ])
    assert.throws(() => read(body), /no end/);
});

test('the boundary is read, quoted or not', () => {
  assert.equal(boundaryOf('multipart/form-data; boundary=a-b'), 'a-b');
  assert.equal(boundaryOf('Multipart/Form-Data; charset=utf-8; Boundary="a b"; x=y'), 'a b');
  assert.equal(boundaryOf('multipart/form-data'), undefined);
  assert.equal(boundaryOf(`multipart/form-data; boundary=${'a'.repeat(71)}`), undefined);
});
