import { classify, Problem } from './classify.js';
import { drawEvidence } from './evidence.js';
import { showGallery } from './gallery.js';
import { language, startLanguage, text } from './language.js';
import { startPicking } from './pick.js';
import { explain, WORTH_A_RETRY } from './problems.js';
import { showResult } from './result.js';
import { shrink } from './shrink.js';
import { applyModelTexts } from './texts.js';

const find = (id) => document.querySelector(`#${id}`);
const image = find('preview-image');

/** Photos sent at once: the service takes more, but other visitors send theirs, too. */
const AT_ONCE = 3;
/** How many photos of a visit are kept in memory. */
const MOST_PHOTOS = 48;

/**
 * @typedef {object} Photo
 * @property {File} file
 * @property {string} url of its picture
 * @property {'ready' | 'sending' | 'done' | 'failed'} phase
 * @property {number} sent share of the upload, 0 to 1
 * @property {Photo[]} [batch] the photos that were sent with it
 * @property {AbortController} sending
 * @property {object} [result]
 * @property {number[][]} [map] where the model looked: rows of the middle square, each number from 0 to 1
 * @property {boolean} [looks] whether the map is shown
 * @property {Problem} [problem]
 */

/** The photos of this visit, the newest first. All that the page shows follows from these two. @type {Photo[]} */
let photos = [];
/** @type {Photo | undefined} */
let selected;

const keep = (photo) => photos.includes(photo);

const discard = (photo) => {
  photo.sending.abort();
  URL.revokeObjectURL(photo.url);
};

const { maxBytes } = startPicking((files) => {
  const added = files.map((file) => ({
    ...{ file, url: URL.createObjectURL(file), phase: 'ready', sent: 0 },
    sending: new AbortController(),
  }));
  // Photos that were chosen but never sent are replaced.
  const [waiting, others] = [
    photos.filter(({ phase }) => phase === 'ready'),
    photos.filter(({ phase }) => phase !== 'ready'),
  ];
  const all = [...added, ...others];
  photos = all.slice(0, MOST_PHOTOS);
  for (const photo of [...waiting, ...all.slice(MOST_PHOTOS)]) discard(photo);
  select(added[0]);
  find('send').focus();
});
const limit = `${Math.floor(maxBytes / 1024 / 1024)} MB`;

const select = (photo) => {
  selected = photo;
  find('preview').classList.remove('broken');
  if (photo) image.src = photo.url;
  else image.removeAttribute('src');
  render();
};

/** Upload progress of the photos that are being sent. */
const renderProgress = () => {
  const batch = photos.filter(({ batch }) => batch !== undefined && batch === selected?.batch);
  const done = batch.filter(({ phase }) => phase === 'done' || phase === 'failed').length;
  const isMany = batch.length > 1;
  find('progress').hidden = selected?.phase !== 'sending';
  find('progress').value = isMany ? done / batch.length : (selected?.sent ?? 0);
  if (selected?.phase !== 'sending') return '';
  return isMany ? `${text('sending.many')} ${done} / ${batch.length}` : text('sending');
};

const render = () => {
  const phase = selected?.phase ?? 'empty';
  const { result, problem } = selected ?? {};
  const waiting = photos.filter((photo) => photo.phase === 'ready').length;
  // Sending the photo again would fail in the same way.
  const isHopeless = phase === 'failed' && !WORTH_A_RETRY.has(problem?.code);
  document.body.dataset.phase = phase;
  find('welcome').hidden = phase !== 'empty';
  find('take').hidden = phase !== 'empty';
  find('preview').hidden = phase === 'empty';
  find('send').hidden = phase === 'empty' || phase === 'done' || isHopeless;
  find('send').setAttribute('aria-disabled', String(phase === 'sending'));
  find('hint').hidden = phase !== 'ready';
  find('hint').textContent =
    waiting > 1 ? text('preview.many').replace('{count}', waiting) : text('preview.hint');
  find('status').textContent = renderProgress();
  find('error').hidden = phase !== 'failed';
  find('error-message').textContent = problem ? explain(problem, language(), limit) : '';
  find('retry').hidden = isHopeless;
  find('instead').hidden = !isHopeless;
  find('result').hidden = phase !== 'done';
  if (result) showResult(find('result'), result);
  const { map, looks = false } = selected ?? {};
  find('look').hidden = map === undefined || result?.known === false;
  find('look').setAttribute('aria-pressed', String(looks));
  find('evidence').hidden = !looks;
  if (looks) drawEvidence(find('evidence'), map);
  showGallery(find('gallery'), photos, selected, select);
  find('offline').hidden = navigator.onLine;
};

const ask = async (photo) => {
  const { file, sending } = photo;
  const small = await shrink(file);
  if (small.size > maxBytes) throw new Problem('too-large');
  return classify(small, file.name, language(), {
    signal: sending.signal,
    onProgress: (share) => {
      photo.sent = share;
      if (photo === selected) renderProgress();
    },
  });
};

const sendOne = async (photo) => {
  const { signal } = photo.sending;
  try {
    Object.assign(photo, await ask(photo));
    photo.phase = 'done';
  } catch (error) {
    photo.problem = error instanceof Problem ? error : new Problem('internal');
    photo.phase = 'failed';
  }
  if (!signal.aborted && keep(photo)) render();
};

/** Sends every photo that was chosen, or the selected one again. */
const send = async () => {
  if (!selected || selected.phase === 'sending') return;
  const first = selected;
  const batch = first.phase === 'ready' ? photos.filter(({ phase }) => phase === 'ready') : [first];
  for (const photo of batch) Object.assign(photo, { batch, phase: 'sending', sent: 0, problem: undefined });
  render();
  const queue = [...batch];
  const work = async () => {
    for (let photo = queue.shift(); photo; photo = queue.shift()) if (keep(photo)) await sendOne(photo);
  };
  await Promise.all([sendFirst(first, queue).then(work), ...Array.from({ length: AT_ONCE - 1 }, work)]);
};

/** Sends the selected photo first, and moves the focus to its answer. */
const sendFirst = async (photo, queue) => {
  queue.splice(queue.indexOf(photo), 1);
  await sendOne(photo);
  if (photo !== selected || !keep(photo)) return;
  const isDone = photo.phase === 'done';
  if (isDone) find('result-name').focus({ preventScroll: true });
  else if (find('send').hidden) find('instead').focus({ preventScroll: true });
  find(isDone ? 'result' : 'error').scrollIntoView({ block: 'nearest' });
};

find('look').addEventListener('click', () => {
  selected.looks = !selected.looks;
  render();
});
find('send').addEventListener('click', send);
find('retry').addEventListener('click', () => {
  find('send').focus();
  send();
});
find('close').addEventListener('click', () => {
  if (selected) discard(selected);
  photos = photos.filter((photo) => photo !== selected);
  select();
  find('choose').focus();
});
image.addEventListener('error', () => find('preview').classList.toggle('broken', image.hasAttribute('src')));
for (const event of ['online', 'offline']) window.addEventListener(event, render);

const showTexts = startLanguage(render);
// Without an answer the page keeps its texts about flowers.
fetch('/v1/model')
  .then((response) => (response.ok ? response.json() : {}))
  .then((model) => {
    applyModelTexts(model);
    showTexts();
  })
  .catch(() => {});
