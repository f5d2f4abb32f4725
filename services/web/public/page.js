import { classify, Problem } from './classify.js';
import { language, startLanguage, text } from './language.js';
import { startPicking } from './pick.js';
import { explain, WORTH_A_RETRY } from './problems.js';
import { showResult } from './result.js';
import { shrink } from './shrink.js';

const find = (id) => document.querySelector(`#${id}`);
const image = find('preview-image');

/**
 * All that the page shows follows from this.
 *
 * @type {{ phase: 'empty' | 'ready' | 'sending' | 'done' | 'failed', file?: File, result?: object, problem?: Problem }}
 */
let state = { phase: 'empty' };
let sending = new AbortController();

const { maxBytes } = startPicking((file) => {
  sending.abort();
  showPreview(file);
  change({ phase: 'ready', file });
  find('send').focus();
});
const limit = `${Math.floor(maxBytes / 1024 / 1024)} MB`;

const showPreview = (file) => {
  URL.revokeObjectURL(image.src);
  find('preview').classList.remove('broken');
  if (file) image.src = URL.createObjectURL(file);
  else image.removeAttribute('src');
};

const render = () => {
  const { phase, result, problem } = state;
  // Sent once more, the photo would come to nothing again.
  const isHopeless = phase === 'failed' && !WORTH_A_RETRY.has(problem?.code);
  document.body.dataset.phase = phase;
  find('welcome').hidden = phase !== 'empty';
  find('take').hidden = phase !== 'empty';
  find('preview').hidden = phase === 'empty';
  find('send').hidden = phase === 'empty' || phase === 'done' || isHopeless;
  find('send').setAttribute('aria-disabled', String(phase === 'sending'));
  find('hint').hidden = phase !== 'ready';
  find('status').textContent = phase === 'sending' ? text('sending') : '';
  find('error').hidden = phase !== 'failed';
  find('error-message').textContent = problem ? explain(problem, language(), limit) : '';
  find('retry').hidden = isHopeless;
  find('instead').hidden = !isHopeless;
  find('result').hidden = phase !== 'done';
  if (result) showResult(find('result'), result);
};

const change = (next) => {
  state = next;
  render();
};

const ask = async (file, signal) => {
  const photo = await shrink(file);
  if (photo.size > maxBytes) throw new Problem('too-large');
  return classify(photo, file.name, language(), signal);
};

const send = async () => {
  const { file, phase } = state;
  if (file === undefined || phase === 'sending') return;
  sending = new AbortController();
  const { signal } = sending;
  change({ phase: 'sending', file });
  try {
    const result = await ask(file, signal);
    if (signal.aborted) return;
    change({ phase: 'done', file, result });
    find('result-name').focus({ preventScroll: true });
    find('result').scrollIntoView({ block: 'nearest' });
  } catch (error) {
    if (signal.aborted) return;
    change({ phase: 'failed', file, problem: error instanceof Problem ? error : new Problem('internal') });
    if (find('send').hidden) find('instead').focus({ preventScroll: true });
    find('error').scrollIntoView({ block: 'nearest' });
  }
};

find('send').addEventListener('click', send);
find('retry').addEventListener('click', () => {
  find('send').focus();
  send();
});
find('close').addEventListener('click', () => {
  sending.abort();
  showPreview();
  change({ phase: 'empty' });
  find('choose').focus();
});
image.addEventListener('error', () => find('preview').classList.toggle('broken', image.hasAttribute('src')));

startLanguage(render);
