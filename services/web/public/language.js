import { TEXTS } from './texts.js';

const STORED_AS = 'bloomstack.language';

// A browser that forbids storage throws: then the choice lasts as long as the page.
const recall = () => {
  try {
    return localStorage.getItem(STORED_AS);
  } catch {
    return null;
  }
};
const remember = (language) => {
  try {
    localStorage.setItem(STORED_AS, language);
  } catch {}
};

const ofBrowser = () => (navigator.language.toLowerCase().startsWith('ko') ? 'ko' : 'en');
const stored = recall();

/** @type {'ko' | 'en'} */
let current = stored === 'ko' || stored === 'en' ? stored : ofBrowser();

/** The language that the person reads. */
export const language = () => current;

/** @param {keyof typeof TEXTS.ko} key */
export const text = (key) => TEXTS[current][key];

const apply = () => {
  document.documentElement.lang = current;
  for (const element of document.querySelectorAll('[data-text]'))
    element.textContent = text(element.dataset.text);
  for (const element of document.querySelectorAll('[data-label]')) {
    element.setAttribute('aria-label', text(element.dataset.label));
    element.title = text(element.dataset.label);
  }
  for (const element of document.querySelectorAll('[data-alt]')) element.alt = text(element.dataset.alt);
};

/**
 * Puts the page into the person's language, and changes it with the toggle.
 *
 * @param {() => void} onChange what else depends on the language
 * @returns {() => void} to be called when the texts themselves have changed
 */
export const startLanguage = (onChange) => {
  const toggle = document.querySelector('#language');
  const show = () => {
    apply();
    toggle.lang = current === 'ko' ? 'en' : 'ko';
    onChange();
  };
  toggle.addEventListener('click', () => {
    current = current === 'ko' ? 'en' : 'ko';
    remember(current);
    show();
  });
  show();
  return show;
};
