/**
 * Every way to hand over photos: the camera button, the camera itself, drag and drop, paste.
 *
 * @param {(files: File[]) => void} onPhotos
 */
export const startPicking = (onPhotos) => {
  const input = document.querySelector('#photo');
  const take = (files) => {
    if (files?.length > 0) onPhotos([...files]);
  };

  input.addEventListener('change', () => {
    take(input.files);
    // Otherwise choosing the same photo again would not be a change event.
    input.value = '';
  });
  const choose = () => {
    input.removeAttribute('capture');
    input.multiple = true;
    input.click();
  };
  for (const button of document.querySelectorAll('#choose, #another, #instead'))
    button.addEventListener('click', choose);
  document.querySelector('#take').addEventListener('click', () => {
    input.setAttribute('capture', 'environment');
    input.multiple = false;
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
