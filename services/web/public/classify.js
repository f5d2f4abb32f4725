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

const readJson = (body) => {
  try {
    return JSON.parse(body);
  } catch {
    throw oddAnswer();
  }
};

const toProblem = (status, body) => {
  // A load balancer's own error page is not problem+json, but its status is still useful.
  if (status === 413) return new Problem('too-large');
  const { code, detail } = readJson(body) ?? {};
  return typeof code === 'string' ? new Problem(code, detail) : oddAnswer();
};

const checkAnswer = (answer) => {
  const { result } = answer ?? {};
  const isWhole = typeof result?.name === 'string' && typeof result.acc === 'number';
  if (!isWhole) throw oddAnswer();
  return answer;
};

/** Sends a form. `fetch` does not say how much of it has been sent. @returns {Promise<{ status: number, body: string }>} */
const post = (body, language, { signal, onProgress }) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const fail = (reason) => () => reject(new Problem('no-connection', reason));
    request.open('POST', '/classify/image?map=true');
    request.setRequestHeader('Accept-Language', language);
    request.timeout = TIMEOUT_MS;
    request.upload.addEventListener('progress', ({ loaded, total }) =>
      onProgress(total > 0 ? loaded / total : 0),
    );
    request.addEventListener('load', () => resolve({ status: request.status, body: request.responseText }));
    for (const event of ['error', 'timeout', 'abort']) request.addEventListener(event, fail(event));
    signal.addEventListener('abort', () => request.abort());
    request.send(body);
  });

/**
 * Asks which flower is in a photo.
 *
 * @param {Blob} photo
 * @param {string} name the file's name
 * @param {string} language for the names in the answer
 * @param {{ signal: AbortSignal, onProgress: (share: number) => void }} options
 * @returns {Promise<{ result: object, map?: number[][] }>} the service's answer
 * @throws Problem
 */
export const classify = async (photo, name, language, options) => {
  const form = new FormData();
  form.append('file', photo, name);
  const { status, body } = await post(form, language, options);
  if (status !== 200) throw toProblem(status, body);
  return checkAnswer(readJson(body));
};
