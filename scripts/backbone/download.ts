import type { BackboneFile } from './mobilenet.ts';

/** Longer than any server with a reason to be slow is silent. */
const SILENCE_MS = 30_000;

const ADVICE =
  'Where a network does not let it through, fetch the files elsewhere and give their folder, or a mirror, with --from.';

/** The innermost reason: `fetch` itself only says that it failed. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  // Of several addresses of a host that all refuse, Node tells only the code.
  return error.message || ('code' in error ? String(error.code) : error.name);
};

export interface DownloadOptions {
  /** Called with the bytes that are there, now and then. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  /** @default 30 s */
  readonly silenceMs?: number | undefined;
}

const receive = async (
  url: URL,
  file: BackboneFile,
  { onProgress, silenceMs = SILENCE_MS }: DownloadOptions,
): Promise<Uint8Array> => {
  const silence = new AbortController();
  const timer = setTimeout(
    () => silence.abort(new Error(`nothing was received for ${silenceMs / 1000} s`)),
    silenceMs,
  );
  try {
    const response = await fetch(url, { signal: silence.signal });
    if (!response.ok || !response.body)
      throw new Error(`${response.redirected ? `${response.url} ` : 'it '}answered ${response.status}`);
    const chunks: Uint8Array[] = [];
    let received = 0;
    for await (const chunk of response.body) {
      timer.refresh();
      chunks.push(chunk);
      received += chunk.length;
      // Whatever goes on is another file, and might go on for ever.
      if (received > file.bytes) throw new Error(`it is longer than the ${file.bytes} bytes of ${file.name}`);
      onProgress?.(received);
    }
    return Buffer.concat(chunks);
  } finally {
    clearTimeout(timer);
  }
};

/**
 * Fetches a file into memory; redirects are followed.
 *
 * @throws Error when it cannot be had, or the server falls silent
 */
export const download = async (
  url: URL,
  file: BackboneFile,
  options: DownloadOptions = {},
): Promise<Uint8Array> => {
  try {
    return await receive(url, file, options);
  } catch (cause) {
    throw new Error(`${url} could not be fetched: ${reasonOf(cause)}. ${ADVICE}`, { cause });
  }
};
