/** `1 photo`, `2 photos`. */
export const pluralize = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

/** The text, or its beginning and its end where it is longer: names of classes often differ at their ends only. */
export const abridge = (text: string, longest: number): string => {
  // Composed, as macOS names a folder by the parts of each Hangul syllable.
  const characters = Array.from(text.normalize('NFC'));
  if (characters.length <= longest) return text;
  const end = Math.floor((longest - 1) / 2);
  const beginning = characters.slice(0, longest - 1 - end);
  return [...beginning, '…', ...characters.slice(characters.length - end)].join('');
};
