/**
 * Texts for every problem, by the `code` in the services' answers; the last two are the page's own. `{limit}` is
 * replaced by the largest file size that is accepted.
 */
export const PROBLEMS = {
  ko: {
    'malformed-request': '요청을 읽을 수 없었어요. 페이지를 새로 고친 뒤 다시 시도해 주세요.',
    'headers-too-large': '브라우저가 보낸 정보가 너무 커요. 쿠키를 지운 뒤 다시 시도해 주세요.',
    'expectation-failed': '요청을 처리할 수 없었어요. 다른 브라우저로 시도해 주세요.',
    'unsupported-transfer-coding': '요청을 처리할 수 없었어요. 다른 브라우저로 시도해 주세요.',
    'too-slow':
      '사진이 도착하는 데 너무 오래 걸렸어요. 더 작은 사진을 보내거나 연결이 좋은 곳에서 다시 시도해 주세요.',
    'missing-photo': '사진이 함께 오지 않았어요. 사진을 다시 골라 주세요.',
    'too-many-photos': '사진이 여러 장 왔어요. 한 장씩 보내 주세요.',
    'malformed-body': '사진이 전송되다가 깨졌어요. 다시 시도해 주세요.',
    'unsupported-content-type':
      '이 형식으로는 사진을 받을 수 없어요. 페이지를 새로 고친 뒤 다시 시도해 주세요.',
    empty: '빈 파일이에요. 다른 사진을 골라 주세요.',
    'too-large': '사진이 너무 커요. {limit}까지 보낼 수 있으니 크기를 줄이거나 다른 사진을 골라 주세요.',
    'unsupported-format':
      '사진으로 읽을 수 없는 파일이에요. JPEG, PNG, WebP 사진을 골라 주세요. (움직이는 그림과 HEIC는 안 돼요.)',
    'too-many-pixels': '사진의 해상도가 너무 높아요. 크기를 줄여서 다시 보내 주세요.',
    'too-few-pixels': '사진이 너무 작아요. 더 큰 사진을 골라 주세요.',
    'too-costly':
      '이 사진은 읽는 데 너무 오래 걸려요. 보통의 JPEG로 다시 저장하거나 크기를 줄여서 보내 주세요.',
    unreadable: '사진이 손상되어서 읽을 수 없어요. 다른 사진을 골라 주세요.',
    'endpoint-unavailable': '사진을 알아보는 모델이 지금 쉬고 있어요. 잠시 후 다시 시도해 주세요.',
    'model-failed': '모델이 이 사진을 살펴보다가 멈췄어요. 다시 시도하거나 다른 사진을 골라 주세요.',
    'was-unavailable': '지금은 서비스에 연결할 수 없어요. 잠시 후 다시 시도해 주세요.',
    'not-found': '찾는 주소가 없어요. 페이지를 새로 고쳐 주세요.',
    'method-not-allowed': '이 주소에는 그렇게 요청할 수 없어요. 페이지를 새로 고쳐 주세요.',
    overloaded: '지금 찾는 분이 많아요. 잠시 후 다시 시도해 주세요.',
    'rate-limited': '이 네트워크에서 요청이 너무 많이 왔어요. 5분 뒤에 다시 시도해 주세요.',
    unauthorized: '이 서비스를 쓰려면 키가 필요해요. 운영하는 분께 물어봐 주세요.',
    internal: '저희 쪽에서 문제가 생겼어요. 잠시 후 다시 시도해 주세요.',
    'no-connection': '연결되지 않았어요. 인터넷 연결을 확인하고 다시 시도해 주세요.',
    'odd-answer': '알 수 없는 응답을 받았어요. 잠시 후 다시 시도해 주세요.',
  },
  en: {
    'malformed-request': 'The request could not be read. Reload the page and try again.',
    'headers-too-large': 'Your browser sent too much with the request. Clear the cookies and try again.',
    'expectation-failed': 'The request could not be handled. Try another browser.',
    'unsupported-transfer-coding': 'The request could not be handled. Try another browser.',
    'too-slow':
      'The photo took too long to arrive. Send a smaller one, or try again where the connection is better.',
    'missing-photo': 'No photo arrived. Please choose the photo again.',
    'too-many-photos': 'More than one photo arrived. Please send them one at a time.',
    'malformed-body': 'The photo was damaged in transit. Please try again.',
    'unsupported-content-type': 'Photos are not accepted in this form. Reload the page and try again.',
    empty: 'This file is empty. Please choose another photo.',
    'too-large': 'The photo is too large. Up to {limit} are accepted: make it smaller or choose another one.',
    'unsupported-format':
      'This file cannot be read as a photo. Choose a JPEG, PNG or WebP photo (no animations, no HEIC).',
    'too-many-pixels': 'The photo has too many pixels. Make it smaller and send it again.',
    'too-few-pixels': 'The photo is too small. Please choose a larger one.',
    'too-costly':
      'This photo takes too long to read. Save it as an ordinary JPEG, or make it smaller, and send it again.',
    unreadable: 'The photo is damaged and cannot be read. Please choose another one.',
    'endpoint-unavailable': 'The model is not available. Try again in a moment.',
    'model-failed': 'The model failed on this photo. Try again or choose another one.',
    'was-unavailable': 'The service cannot be reached at the moment. Try again in a moment.',
    'not-found': 'There is nothing at this address. Please reload the page.',
    'method-not-allowed': 'This address does not accept such a request. Please reload the page.',
    overloaded: 'The service is busy right now. Try again in a moment.',
    'rate-limited': 'Too many requests came from your network. Try again in five minutes.',
    unauthorized: 'This service needs a key. Please ask whoever runs it.',
    internal: 'Something went wrong on our side. Try again in a moment.',
    'no-connection': 'No connection. Check your internet connection and try again.',
    'odd-answer': 'The answer could not be understood. Try again in a moment.',
  },
};

/** Problems that may be gone the next time. */
export const WORTH_A_RETRY = new Set([
  'too-slow',
  'malformed-body',
  'endpoint-unavailable',
  'model-failed',
  'was-unavailable',
  'overloaded',
  'rate-limited',
  'internal',
  'no-connection',
  'odd-answer',
]);

/**
 * A problem in words for a person.
 *
 * @param {{ code: string, detail?: string }} problem
 * @param {'ko' | 'en'} language
 * @param {string} [limit] the largest accepted file, for people: `15 MB`
 */
export const explain = ({ code, detail }, language, limit = '') => {
  const words = PROBLEMS[language];
  const text = Object.hasOwn(words, code) ? words[code] : (detail ?? words.internal);
  return text.replace('{limit}', limit);
};
