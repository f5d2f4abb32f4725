import { PhotoError } from '../../model/photo/errors.ts';
import { readPhoto } from '../../model/photo/read-photo.ts';

/** Decodes the photos that its parent sends, one after the other: see `decoder.ts`. */

// Exiting in order would wait for the decoding.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));

process.on('message', async (file: Uint8Array) => {
  try {
    process.send?.({ pixels: await readPhoto(file) });
  } catch (error) {
    if (!(error instanceof PhotoError)) throw error;
    process.send?.({ code: error.code, message: error.message });
  }
});
