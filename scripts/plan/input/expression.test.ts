import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from './expression.ts';

const known = new Map<string, string | number>([
  ['aws_s3_bucket.photos.bucket', 'app-photos'],
  ['aws_vpc.main.tags["Name"]', 'app-vpc'],
  ['aws_lb.web.port', 80],
]);
const resolve = (reference: string) => known.get(reference);

test('text without expressions stays as it is', () => {
  assert.equal(evaluate('arn:aws:s3:::photos/*', resolve), 'arn:aws:s3:::photos/*');
});

test('a known reference is replaced by its value, and alone it keeps its type', () => {
  assert.equal(
    evaluate('arn:aws:s3:::${aws_s3_bucket.photos.bucket}/*', resolve),
    'arn:aws:s3:::app-photos/*',
  );
  assert.equal(evaluate('${aws_lb.web.port}', resolve), 80);
  assert.equal(evaluate('${aws_vpc.main.tags["Name"]}', resolve), 'app-vpc');
});

test('a reference that is not known yet stays readable', () => {
  assert.equal(evaluate('${aws_kms_key.x.arn}/*', resolve), '${aws_kms_key.x.arn}/*');
});

test('jsonencode gives the JSON that Terraform would write, with references inside', () => {
  const written =
    '${jsonencode({"Statement" = [{"Action" = ["s3:GetObject"], "Resource" = "${aws_s3_bucket.photos.arn}/*", "N" = -1.5, "On" = true, "Off" = null}], key: aws_lb.web.port})}';
  assert.deepEqual(JSON.parse(String(evaluate(written, resolve))), {
    Statement: [
      { Action: ['s3:GetObject'], Resource: '${aws_s3_bucket.photos.arn}/*', N: -1.5, On: true, Off: null },
    ],
    key: 80,
  });
});

test('escapes mean what they mean in Terraform', () => {
  assert.equal(evaluate('home/$${aws:username}', resolve), 'home/${aws:username}');
  assert.equal(evaluate('${jsonencode("a\\"b\\n\\u0041")}', resolve), JSON.stringify('a"b\nA'));
});

test('lists are joined; a function that is not known stays as it is written', () => {
  assert.equal(evaluate('${join(",", ["a", aws_lb.web.port])}', resolve), 'a,80');
  assert.equal(
    evaluate('${cidrsubnet(aws_vpc.main.cidr_block, 4, 1)}', resolve),
    '${cidrsubnet(aws_vpc.main.cidr_block, 4, 1)}',
  );
});

test('what cannot be read stays whole', () => {
  for (const written of ['${var.a ? "b" : "c"}', '${jsonencode({"a" = })}', 'open ${aws_vpc.main'])
    assert.equal(evaluate(written, resolve), written);
});

test('structures are read inside', () => {
  assert.deepEqual(evaluate({ a: ['${aws_lb.web.port}', { b: false }] }, resolve), { a: [80, { b: false }] });
});
