import assert from 'node:assert/strict';
import { test } from 'node:test';
import sharp from 'sharp';
import { noise } from '../shared/test-pictures.ts';
import { contactSheet } from './contact-sheet.ts';

const mistakes = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    file: 'a.jpg',
    truth: 'rose',
    answer: '<tulip>',
    confidence: index / count,
    pixels: noise(index),
  }));

const sizeOf = async (count: number) => {
  const { format, width, height } = await sharp(await contactSheet(mistakes(count))).metadata();
  assert.equal(format, 'jpeg');
  return [width, height];
};

test('a contact sheet is as wide as its photos, up to four in a row and twelve in all', async () => {
  assert.deepEqual(await sizeOf(1), [248, 312]);
  assert.deepEqual(await sizeOf(2), [484, 312]);
  assert.deepEqual(await sizeOf(12), [956, 848]);
  assert.deepEqual(await sizeOf(200), [956, 848]);
});

test('of no mistakes it is a small picture that says so', async () => {
  assert.deepEqual(await sizeOf(0), [360, 90]);
});
