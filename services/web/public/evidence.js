import { shrink } from './shrink.js';

/** Opacity over the parts that did not count; the photo stays visible. */
const DARKEST = 0.75;

/**
 * Asks which parts of a photo the answer rests on.
 *
 * @param {File} file
 * @param {AbortSignal} signal
 * @returns {Promise<number[][] | undefined>} rows of the middle square, each number from 0 to 1; nothing when the model
 *   or the service does not say
 */
export const askForEvidence = async (file, signal) => {
  const form = new FormData();
  form.append('files', await shrink(file), file.name);
  const response = await fetch('/v1/classifications?top=1&map=true', { method: 'POST', body: form, signal });
  if (!response.ok) return undefined;
  const { results } = await response.json();
  return results[0]?.map;
};

/** Darkens what did not count, which shows on flowers of any colour; the browser smooths it over the photo. @param {HTMLCanvasElement} canvas @param {number[][]} map */
export const drawEvidence = (canvas, map) => {
  canvas.width = map[0].length;
  canvas.height = map.length;
  const context = canvas.getContext('2d');
  for (const [y, row] of map.entries())
    for (const [x, share] of row.entries()) {
      context.fillStyle = `rgb(20 18 16 / ${(1 - share) * DARKEST})`;
      context.fillRect(x, y, 1, 1);
    }
};
