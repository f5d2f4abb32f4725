/** Hangul, Chinese, Japanese and most emoji are as wide as two letters. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Width of a letter in font sizes, generously: who reads a picture draws it in a font of their own. */
const LETTER = 0.65;

/** Composed, as macOS names a folder by the parts of each Hangul syllable. */
const charactersOf = (text: string): string[] => Array.from(text.normalize('NFC'));

const columnsOf = (character: string): number => (WIDE.test(character) ? 2 : 1);

/** The first characters, as many as fit. */
const fitting = (characters: readonly string[], columns: number): string[] => {
  let width = 0;
  const end = characters.findIndex((character) => {
    width += columnsOf(character);
    return width > columns;
  });
  return end === -1 ? [...characters] : characters.slice(0, end);
};

/** How wide a text is, in letters: the columns that it takes in a terminal. */
export const widthOf = (text: string): number =>
  charactersOf(text).reduce((sum, character) => sum + columnsOf(character), 0);

/** How wide a text is in a picture. */
export const pixelsOf = (text: string, fontSize: number): number => widthOf(text) * LETTER * fontSize;

/** The text, or its beginning and an ellipsis where it is wider. */
export const shortened = (text: string, columns: number): string =>
  widthOf(text) <= columns ? text : `${fitting(charactersOf(text), columns - 1).join('')}…`;

/** The text, or its beginning and its end where it is wider: names of classes often differ at their ends only. */
export const abridged = (text: string, columns: number): string => {
  if (widthOf(text) <= columns) return text;
  const characters = charactersOf(text);
  const beginning = fitting(characters, Math.ceil((columns - 1) / 2));
  const end = fitting(characters.toReversed(), Math.floor((columns - 1) / 2)).toReversed();
  return [...beginning, '…', ...end].join('');
};
