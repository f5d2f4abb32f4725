import { PhotoError } from '../../model/photo/format.ts';
import { readPhoto } from '../../model/photo/read-photo.ts';

/** One photo. */
export interface DecodeMessage {
  readonly file: Uint8Array;
  /** CPU time that decoding may take, in milliseconds; beyond it, the process kills itself. */
  readonly cpuMs: number;
}

/** Decodes the photos that the parent process sends, one at a time: see `decoder.ts`. */

/** A regular exit would wait for the decoding. */
const end = () => process.kill(process.pid, 'SIGKILL');
const CHECK_MS = 50;

process.on('disconnect', end);

process.on('message', async ({ file, cpuMs }: DecodeMessage) => {
  const before = process.cpuUsage();
  const watch = setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    if ((user + system) / 1000 > cpuMs) end();
  }, CHECK_MS);
  try {
    process.send?.({ pixels: await readPhoto(file) });
  } catch (error) {
    if (!(error instanceof PhotoError)) throw error;
    process.send?.({ code: error.code, message: error.message });
  } finally {
    clearInterval(watch);
  }
});
