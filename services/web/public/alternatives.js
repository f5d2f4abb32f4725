/** The least share that reads as 1 %: less says nothing to a person. */
const LEAST = 0.0095;

/**
 * What else a photo could show, the likeliest first. Older services claim to know every photo and send no predictions.
 *
 * @param {{ known?: boolean, predictions?: { acc: number }[] }} result of the service's answer
 */
export const alternativesOf = ({ known = true, predictions = [] }) =>
  predictions.slice(known ? 1 : 0).filter(({ acc }) => acc >= LEAST);
