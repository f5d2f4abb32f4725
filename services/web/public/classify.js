/** A problem that the page shows; `code` is one of those in problems.js. */
export class Problem extends Error {
  /** @param {string} code @param {string} [detail] */
  constructor(code, detail) {
    super(detail ?? code);
    this.code = code;
    this.detail = detail;
  }
}

/** A service that is slower than this will not answer any more. */
const TIMEOUT_MS = 90_000;

const oddAnswer = () => new Problem('odd-answer');

const readJson = (response) =>
  response.json().catch(() => {
    throw oddAnswer();
  });

const toProblem = async (response) => {
  // A load balancer's own error page is not problem+json, but its status still says something.
  if (response.status === 413) return new Problem('too-large');
  const { code, detail } = (await readJson(response)) ?? {};
  return typeof code === 'string' ? new Problem(code, detail) : oddAnswer();
};

const checkAnswer = (answer) => {
  const { result } = answer ?? {};
  const isWhole = typeof result?.name === 'string' && typeof result.acc === 'number';
  if (!isWhole) throw oddAnswer();
  return result;
};

/**
 * Asks which flower is in a photo.
 *
 * @param {Blob} photo
 * @param {string} name the file's name
 * @param {string} language for the names in the answer
 * @param {AbortSignal} signal
 * @returns {Promise<object>} `result` of the service's answer
 * @throws Problem
 */
export const classify = async (photo, name, language, signal) => {
  const body = new FormData();
  body.append('file', photo, name);
  const response = await fetch('/classify/image', {
    method: 'POST',
    body,
    headers: { 'Accept-Language': language },
    signal: AbortSignal.any ? AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) : signal,
  }).catch((cause) => {
    throw new Problem('no-connection', String(cause));
  });
  if (!response.ok) throw await toProblem(response);
  return checkAnswer(await readJson(response));
};
