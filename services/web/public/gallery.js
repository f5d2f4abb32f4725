import { language, text } from './language.js';

/** Caption of a thumbnail: the answer, or why there is none yet. */
const caption = ({ phase, result }) => {
  if (result) return (result.translations?.[language()] ?? result).name;
  return text(
    phase === 'failed' ? 'gallery.failed' : phase === 'sending' ? 'gallery.sending' : 'gallery.ready',
  );
};

const card = (photo, isSelected, onSelect) => {
  const item = document.createElement('li');
  const button = document.createElement('button');
  const image = document.createElement('img');
  const name = document.createElement('span');
  button.type = 'button';
  button.className = 'thumbnail';
  button.dataset.phase = photo.phase;
  if (isSelected) button.setAttribute('aria-current', 'true');
  image.src = photo.url;
  image.alt = '';
  image.addEventListener('error', () => {
    const tile = document.createElement('div');
    tile.className = 'no-picture';
    image.replaceWith(tile);
  });
  name.textContent = caption(photo);
  button.append(image, name);
  button.addEventListener('click', () => onSelect(photo));
  item.append(button);
  return item;
};

/**
 * Shows the photos of this visit, the newest first; one alone needs no overview.
 *
 * @param {HTMLElement} section
 * @param {object[]} photos
 * @param {object} [selected]
 * @param {(photo: object) => void} onSelect
 */
export const showGallery = (section, photos, selected, onSelect) => {
  section.hidden = photos.length < (selected ? 2 : 1);
  const list = section.querySelector('ol');
  const focused = [...list.children].findIndex((item) => item.contains(document.activeElement));
  list.replaceChildren(...photos.map((photo) => card(photo, photo === selected, onSelect)));
  list.children[focused]?.firstChild.focus();
};
