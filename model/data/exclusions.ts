import path from 'node:path';
import { z } from 'zod';
import { readFileIfExists } from '../shared/files.ts';
import { errorText } from '../shared/text.ts';

/** Beside the folders of the classes it is read by itself, also in a channel of a SageMaker job. */
export const EXCLUSIONS_FILE = 'excluded.json';

/** By class and file name: what the photo shows instead of its class. */
const exclusionsSchema = z.record(z.string(), z.record(z.string(), z.string().min(1)));

/**
 * Photos that a training leaves out, such as wrongly labelled ones: `{ "tulip": { "17.jpg": "leaves" } }`.
 *
 * `flowers-16-excluded.json` in this folder was made by looking at all 6,400 photos of the sixteen flowers, 64 to 100 on a
 * sheet, and again enlarged at those in doubt. It names what clearly shows another plant or no flower; photos that are
 * only hard stay, because leaving out what a model doubts made it worse. Where a genus was a guess, so is the word.
 *
 * @param optional whether the file may be missing
 * @returns paths relative to the dataset's folder
 * @throws Error that says what the file must hold
 */
export const readExclusions = async (
  file: string,
  { optional }: { readonly optional: boolean },
): Promise<ReadonlySet<string>> => {
  const text = await readFileIfExists(file);
  if (text === undefined && optional) return new Set();
  try {
    if (text === undefined) throw new Error('There is no such file.');
    const classes = exclusionsSchema.parse(JSON.parse(text.toString()));
    return new Set(
      Object.entries(classes).flatMap(([name, files]) =>
        Object.keys(files).map((each) => path.join(name, each)),
      ),
    );
  } catch (cause) {
    throw new Error(
      `${file} cannot be read as a list of photos to leave out. It must hold the classes, in each the file names with a reason: {"tulip": {"17.jpg": "leaves"}}. ${errorText(cause)}`,
      { cause },
    );
  }
};
