import { language, startLanguage, text } from './language.js';
import { explain } from './problems.js';

const find = (id) => document.querySelector(`#${id}`);

/** @type {{ phase: 'idle' | 'asking' | 'connected' | 'failed', answer?: unknown }} */
let state = { phase: 'idle' };

const message = ({ phase, answer }) => {
  if (phase === 'asking') return text('was.asking');
  if (phase === 'connected') return text('was.connected');
  return phase === 'failed' ? explain(answer ?? { code: 'no-connection' }, language()) : '';
};

const render = () => {
  document.body.dataset.phase = state.phase;
  find('check').setAttribute('aria-disabled', String(state.phase === 'asking'));
  find('status').textContent = message(state);
  find('answer').hidden = state.answer === undefined;
  find('answer-body').textContent = JSON.stringify(state.answer);
};

const change = (next) => {
  state = next;
  render();
};

find('check').addEventListener('click', async () => {
  if (state.phase === 'asking') return;
  change({ phase: 'asking' });
  try {
    const response = await fetch('/was/health');
    change({ phase: response.ok ? 'connected' : 'failed', answer: await response.json() });
  } catch {
    change({ phase: 'failed' });
  }
});

startLanguage(render);
