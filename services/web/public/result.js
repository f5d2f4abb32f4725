import { alternativesOf } from './alternatives.js';
import { language, text } from './language.js';

/** Below it, the answer is as good as a guess. */
const UNSURE_BELOW = 0.6;

/** A model is never quite certain, and 100 % would say so. */
const percent = (share) =>
  new Intl.NumberFormat(language(), { style: 'percent', maximumFractionDigits: 1 }).format(
    Math.min(share, 0.999),
  );

const element = (tag, className, content) => {
  const made = document.createElement(tag);
  made.className = className;
  if (content !== undefined) made.textContent = content;
  return made;
};

const setShare = (bar, share) => bar.style.setProperty('--share', `${Math.round(share * 1000) / 10}%`);

/** Of a photo that shows none of the flowers a share would only mislead. */
const alternative =
  (known) =>
  ({ name, names, acc }) => {
    const item = element('li', 'alternative');
    item.append(element('span', 'alternative-name', names?.[language()] ?? name));
    if (!known) return item;
    const bar = element('span', 'bar');
    bar.setAttribute('aria-hidden', 'true');
    setShare(bar, acc);
    item.append(element('span', 'alternative-share', percent(acc)), bar);
    return item;
  };

/**
 * Shows an answer in the person's language. A photo that shows none of the flowers gets no confidence: the model's
 * guesses among flowers say nothing about it.
 *
 * @param {HTMLElement} section
 * @param {object} result of the service's answer
 */
export const showResult = (section, result) => {
  const find = (id) => section.querySelector(`#${id}`);
  const { name, description } = result.translations?.[language()] ?? result;
  // Older services claim to know every photo.
  const known = result.known ?? true;
  const others = alternativesOf(result);
  section.classList.toggle('unknown', !known);
  find('result-heading').textContent = text(known ? 'result.heading' : 'result.unknown');
  find('result-name').textContent = name;
  find('result-description').textContent = description ?? '';
  find('result-sure').hidden = !known;
  find('result-confidence').textContent = percent(result.acc);
  setShare(find('result-bar'), result.acc);
  find('result-unsure').hidden = !known || result.acc >= UNSURE_BELOW;
  find('another').hidden = known;
  find('result-others-heading').textContent = text(known ? 'result.others' : 'result.guesses');
  find('result-alternatives').replaceChildren(...others.map(alternative(known)));
  find('result-others').hidden = others.length === 0;
  find('result-model').textContent = `${text('result.model')} ${result.model?.version ?? '–'}`;
};
