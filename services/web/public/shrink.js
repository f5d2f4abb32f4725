/** The model reads 224 x 224 pixels; this leaves it plenty and spares mobile data. */
const LONGER_SIDE = 1600;
const QUALITY = 0.9;

/** What the service reads; anything else that the browser can read, such as HEIC in Safari, is converted. */
const ACCEPTED = new Set(['image/jpeg', 'image/png', 'image/webp']);

const draw = (bitmap) => {
  const scale = Math.min(1, LONGER_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  // JPEG has no transparency; the model's preprocessing puts photos on white, too.
  context.fillStyle = 'white';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', QUALITY));
};

/**
 * A smaller version of a large photo, upright, in a format that the service reads. A file that the browser cannot read
 * is returned unchanged: the service explains better what is wrong with it.
 *
 * @param {File} file
 * @returns {Promise<Blob>}
 */
export const shrink = async (file) => {
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
    const isLarge = Math.max(bitmap.width, bitmap.height) > LONGER_SIDE;
    const isForeign = !ACCEPTED.has(file.type);
    const drawn = isLarge || isForeign ? await draw(bitmap) : null;
    bitmap.close();
    return drawn !== null && (isForeign || drawn.size < file.size) ? drawn : file;
  } catch {
    return file;
  }
};
