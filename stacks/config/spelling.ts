/** How many letters must be added, taken away or changed to make one word of the other (Levenshtein). */
const distance = (one: string, other: string): number => {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one].entries()) {
    let diagonal = index;
    const next = [index + 1];
    for (const [column, above] of row.slice(1).entries()) {
      const change = diagonal + (letter === other[column] ? 0 : 1);
      next.push(Math.min(above + 1, (next[column] ?? 0) + 1, change));
      diagonal = above;
    }
    row = next;
  }
  return row.at(-1) ?? 0;
};

/** The known word that is most like a misspelt one; the first of several. */
export const nearest = (word: string, known: readonly string[]): string | undefined => {
  const ranked = known.map((other) => ({ other, far: distance(word.toLowerCase(), other.toLowerCase()) }));
  return ranked.sort((a, b) => a.far - b.far)[0]?.other;
};
