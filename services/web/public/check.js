import { language, startLanguage, text } from './language.js';
import { explain } from './problems.js';

const find = (id) => document.querySelector(`#${id}`);

/** In the order in which a photo passes them; each shows its version if it has one. */
const HOPS = {
  web: { path: '/version', version: ({ version }) => version },
  was: { path: '/was/health', version: () => '' },
  endpoint: { path: '/v1/model', version: ({ version }) => version },
};

/**
 * @typedef {object} Hop the state of one service
 * @property {'asking' | 'connected' | 'failed'} phase
 * @property {number} [milliseconds] until it answered, here in the browser
 * @property {object} [answer] or its problem
 */

/** By service name; empty before the first check. @type {Record<string, Hop>} */
const hops = {};

const describe = (name, { phase, milliseconds, answer }) => {
  if (phase === 'asking') return text('chain.asking');
  if (phase === 'connected') return `✓ ${milliseconds} ms ${HOPS[name].version(answer)}`;
  return `✗ ${answer ? explain(answer, language()) : text('chain.failed')}`;
};

const message = ({ phase, answer } = {}) => {
  if (phase === 'asking') return text('was.asking');
  if (phase === 'connected') return text('was.connected');
  return phase === 'failed' ? explain(answer ?? { code: 'no-connection' }, language()) : '';
};

const render = () => {
  const { was } = hops;
  document.body.dataset.phase = was?.phase ?? 'idle';
  find('check').setAttribute('aria-disabled', String(was?.phase === 'asking'));
  find('status').textContent = message(was);
  find('chain').hidden = was === undefined;
  for (const [name, hop] of Object.entries(hops)) {
    const item = find('chain').querySelector(`[data-hop=${name}]`);
    item.dataset.phase = hop.phase;
    item.querySelector('span').textContent = describe(name, hop);
  }
  find('answer').hidden = was?.answer === undefined;
  find('answer-body').textContent = JSON.stringify(was?.answer);
};

const ask = async (name) => {
  hops[name] = { phase: 'asking' };
  render();
  const began = performance.now();
  try {
    const response = await fetch(HOPS[name].path, { cache: 'no-store' });
    const answer = await response.json();
    const milliseconds = Math.round(performance.now() - began);
    hops[name] = { phase: response.ok ? 'connected' : 'failed', milliseconds, answer };
  } catch {
    hops[name] = { phase: 'failed' };
  }
  render();
};

find('check').addEventListener('click', () => {
  if (hops.was?.phase !== 'asking') Object.keys(HOPS).forEach(ask);
});

startLanguage(render);
