import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readFormFiles } from './form.ts';

const file = Buffer.from('\r\n--no delimiter, \x00 and no text either\r\n', 'latin1');
const part = (head: string, content: Uint8Array = file) =>
  Buffer.concat([Buffer.from(`--b\r\n${head}\r\n\r\n`), content, Buffer.from('\r\n')]);
const form = (...parts: Uint8Array[]) => Buffer.concat([...parts, Buffer.from('--b--\r\n')]);
const read = (body: Buffer, contentType = 'multipart/form-data; boundary=b') =>
  readFormFiles({ form: body, contentType, field: 'file' });

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
    'as an attachment': PLAIN.replace('form-data', 'attachment'),
    'without a disposition type': 'Content-Disposition: ; name="file"; filename="a.jpg"',
    'with a blank before the colon': PLAIN.replace(':', ' :'),
    'in a folded header': PLAIN.replaceAll('; ', ';\r\n\t'),
    'as Retrofit writes a RequestBody': `${TEXT}\r\nContent-Transfer-Encoding: binary\r\nContent-Type: image/webp`,
  };
  for (const [name, head] of Object.entries(heads))
    test(name, () => assert.deepEqual(read(form(part(head))), [file]));

  test('between other fields, a preamble and an epilogue', () => {
    const parts = [part(OTHER, Buffer.from('x')), part(TEXT, Buffer.from('x')), part(PLAIN)];
    const surrounded = Buffer.concat([Buffer.from('hello\r\n'), form(...parts), Buffer.from('bye')]);
    assert.deepEqual(read(surrounded), [file]);
  });

  const large = part('Content-Type: text/plain', Buffer.alloc(20_000, 65));
  const skipped: Record<string, Buffer> = {
    'a large part without a disposition': large,
    'a large part without any header': part('', Buffer.alloc(20_000)),
    'a large part of another field': part(OTHER, Buffer.alloc(20_000)),
    'an input that was left empty': part(`${TEXT}; filename=""`, Buffer.alloc(0)),
    'a named file without a byte': part(PLAIN, Buffer.alloc(0)),
  };
  for (const [name, other] of Object.entries(skipped))
    test(`after or before ${name}`, () => {
      assert.deepEqual(read(form(other, part(PLAIN))), [file]);
      assert.deepEqual(read(form(part(PLAIN), other)), [file]);
    });

  test('where lines are padded, the content begins like a delimiter, or it is empty and there is no other', () => {
    const padded = Buffer.from(`--b \t\r\n${PLAIN}\r\n\r\nx\r\n--b-- \r\n`);
    assert.deepEqual(read(padded), [Buffer.from('x')]);
    for (const content of [Buffer.from('\r\n--bc\r\n--b\r\r\n-\r\n--'), Buffer.alloc(0)])
      assert.deepEqual(read(form(part(PLAIN, content))), [content]);
  });
});

test('several files in the field are all found', () =>
  assert.deepEqual(read(form(part(PLAIN), part(PLAIN, Buffer.from('x')))), [file, Buffer.from('x')]));

test('in a list an empty file has its place, if it has a name', () => {
  const parts = [part(PLAIN, Buffer.alloc(0)), part(`${TEXT}; filename=""`, Buffer.alloc(0)), part(PLAIN)];
  const list = { form: form(...parts), contentType: 'multipart/form-data; boundary=b', field: 'file' };
  assert.deepEqual(readFormFiles({ ...list, isList: true }), [Buffer.alloc(0), file]);
});

test('a form without a file in the field has none', () => {
  assert.deepEqual(read(form()), []);
  assert.deepEqual(read(form(part(TEXT), part(OTHER), part('Content-Type: image/jpeg'))), []);
  assert.deepEqual(read(form(part(`${TEXT}; filename=""`, Buffer.alloc(0)))), []);
  assert.deepEqual(read(form(part('Content-Disposition: x="; name=file"; name="other"; filename="a"'))), []);
});

test('a form that is cut short is an error', () => {
  const texts = ['', '--b', `--b\r\n${PLAIN}`].map((text) => Buffer.from(text));
  for (const body of [...texts, part(OTHER), part(PLAIN), part(PLAIN).subarray(0, -20)])
    assert.throws(() => read(body));
});

test('a form of very many parts is refused', () => {
  const fields = Array.from({ length: 101 }, () => part(TEXT, Buffer.from('x')));
  assert.throws(() => read(form(...fields)), /more than 100 parts/);
  assert.deepEqual(read(form(...fields.slice(0, 99), part(PLAIN))), [file]);
});

test('forms made to cost time are refused before they do', () => {
  assert.throws(() => read(form(part(PLAIN, Buffer.alloc(2 ** 23, '\r\n--b-')))), /false delimiters/);
  assert.throws(() => read(form(part('x'.repeat(20_000)))), /too long/);
  const quotes = Array.from({ length: 90 }, () => part(`Content-Disposition: x${';x="'.repeat(4000)}\\`));
  assert.deepEqual(read(form(...quotes, part(PLAIN))), [file]);
});

test('the boundary may be quoted and follow other parameters; a form without one is an error', () => {
  assert.deepEqual(read(form(part(PLAIN)), 'Multipart/Form-Data; charset=utf-8; Boundary="b"; x=y'), [file]);
  assert.throws(() => read(form(part(PLAIN)), 'multipart/form-data'));
});
