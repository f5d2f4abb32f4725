/** Hangul, Chinese, Japanese and most emoji are as wide as two letters. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

const columnsOf = (character: string): number => (WIDE.test(character) ? 2 : 1);

/** How wide a text is, in letters: the columns that it takes in a terminal. */
export const widthOf = (text: string): number =>
  Array.from(text, columnsOf).reduce((sum, columns) => sum + columns, 0);

/** The text, or its beginning and an ellipsis where it is wider. */
export const shortened = (text: string, columns: number): string => {
  if (widthOf(text) <= columns) return text;
  let taken = '';
  let width = 0;
  for (const character of text) {
    width += columnsOf(character);
    if (width > columns - 1) break;
    taken += character;
  }
  return `${taken}…`;
};
