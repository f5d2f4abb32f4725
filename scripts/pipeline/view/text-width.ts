/** Hangul, Chinese, Japanese and most emoji are as wide as two letters. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** The text, or its beginning and an ellipsis where it takes more columns of a terminal. */
export const shortened = (text: string, columns: number): string => {
  // Composed, as macOS names a folder by the parts of each Hangul syllable.
  const characters = Array.from(text.normalize('NFC'));
  let width = 0;
  const widths = characters.map((character) => {
    width += WIDE.test(character) ? 2 : 1;
    return width;
  });
  if (width <= columns) return text;
  return `${characters.filter((_, index) => (widths[index] ?? 0) < columns).join('')}…`;
};
