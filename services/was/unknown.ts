import type { Language } from '../contract/answer.ts';
import type { Flower } from './flowers.ts';

type Names = Readonly<Record<Language, string>>;

/** More names than these would not be read. */
const MOST_NAMES = 6;

const listed = (flowers: readonly Names[], language: Language, more: string): string => {
  const names = flowers.slice(0, MOST_NAMES).map((flower) => flower[language]);
  const rest = flowers.length - names.length;
  return rest > 0 ? `${names.join(', ')} ${more.replace('{rest}', String(rest))}` : names.join(', ');
};

/**
 * What to say of a photo that shows none of the flowers.
 *
 * @param flowers names of those that the model knows
 */
export const describeUnknown = (flowers: readonly Names[]): Flower => ({
  en: {
    name: 'None of my flowers',
    description: `This does not look like any flower I know: ${listed(flowers, 'en', 'and {rest} more')}. Try another photo with one flower in the centre, close up and in daylight.`,
  },
  ko: {
    name: '아는 꽃이 아니에요',
    description: `제가 아는 꽃(${listed(flowers, 'ko', '외 {rest}가지')})으로 보이지 않습니다. 꽃 하나를 가운데에 두고 밝은 곳에서 가까이 찍은 다른 사진으로 다시 시도해 보세요.`,
  },
});
