import { FLOWERS, type Flower } from './flowers.ts';

/** `black_eyed_susan` becomes `Black eyed susan`. */
const readable = (label: string): string => {
  const words = label.replace(/[_-]+/g, ' ').trim();
  return words === '' ? label : words.charAt(0).toUpperCase() + words.slice(1);
};

/**
 * What is known of a class. Models bring their own labels, so one without an entry still gets a readable name.
 *
 * @param label the class as the model calls it, such as `common_daisy`
 */
export const describeFlower = (label: string): Flower => {
  const known = FLOWERS.get(label.toLowerCase());
  if (known) return known;
  const name = readable(label);
  return {
    en: { name, description: `No description of ${name} has been written yet.` },
    ko: { name, description: `${name}에 대한 설명은 아직 준비되지 않았습니다.` },
  };
};
