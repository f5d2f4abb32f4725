/** Opacity over the parts that did not count; the photo stays visible. */
const DARKEST = 0.75;

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
