/**
 * Every way to hand over a photo: the camera button, the camera itself, drag and drop, paste.
 *
 * @param {(file: File) => void} onPhoto
 */
export const startPicking = (onPhoto) => {
  const input = document.querySelector('#photo');
  const take = (files) => {
    const [file] = files ?? [];
    if (file) onPhoto(file);
  };

  input.addEventListener('change', () => {
    take(input.files);
    // Or choosing the same photo again would not be a change.
    input.value = '';
  });
  const choose = () => {
    input.removeAttribute('capture');
    input.click();
  };
  for (const button of document.querySelectorAll('#choose, #another, #instead'))
    button.addEventListener('click', choose);
  document.querySelector('#take').addEventListener('click', () => {
    input.setAttribute('capture', 'environment');
    input.click();
  });

  document.addEventListener('paste', ({ clipboardData }) => take(clipboardData?.files));
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('dragging');
  });
  document.addEventListener('dragleave', ({ relatedTarget }) => {
    if (relatedTarget === null) document.body.classList.remove('dragging');
  });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('dragging');
    take(event.dataTransfer?.files);
  });

  return { maxBytes: Number(input.dataset.maxBytes) };
};
