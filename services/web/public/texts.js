/** Everything that the pages say, in both languages. */
export const TEXTS = {
  ko: {
    'title.page': 'Bloomstack · 사진으로 꽃 이름 찾기',
    brand: 'Bloomstack',
    'title.check': 'WAS 접속 확인 · Bloomstack',
    tagline: '사진 한 장이면, 꽃 이름을 알려 드려요.',
    otherLanguage: 'English',
    'choose.label': '사진 고르기: 앨범이나 카메라',
    'choose.hint': '빨간 카메라를 눌러 꽃 사진을 골라 주세요.',
    'choose.drop': '사진을 여러 장 끌어다 놓거나 붙여 넣어도 돼요.',
    'choose.take': '지금 찍기',
    'preview.alt': '고른 사진',
    'preview.hint': '가운데 정사각형을 살펴봐요. 노란 돋보기를 눌러 주세요.',
    'preview.many': '사진 {count}장을 골랐어요. 노란 돋보기를 눌러 주세요.',
    'preview.broken': '미리 볼 수 없는 파일이에요',
    'preview.close': '사진 닫기',
    'send.label': '꽃 이름 찾기',
    sending: '꽃을 살펴보는 중이에요…',
    'sending.many': '여러 장을 살펴보는 중이에요…',
    'sending.progress': '진행',
    'gallery.heading': '이번에 고른 사진',
    'gallery.ready': '아직 안 봤어요',
    'gallery.sending': '보는 중이에요',
    'gallery.failed': '실패했어요',
    offline: '인터넷에 연결되어 있지 않아요. 연결되면 이어서 쓸 수 있어요.',
    'result.heading': '이 꽃은',
    'result.unknown': '이 사진은',
    'result.guesses': '굳이 고르자면',
    'result.another': '다른 사진 고르기',
    'result.confidence': '확신',
    'result.unsure': '확신이 낮아요. 꽃을 가운데에 두고 더 가까이 찍어 보세요.',
    'result.others': '다른 후보',
    'result.model': '모델',
    'error.heading': '앗, 알아내지 못했어요',
    retry: '다시 시도',
    'was.link': 'WAS 접속 확인 페이지',
    'was.heading': 'WAS 접속 확인',
    'was.explanation': '이 웹 서비스가 뒤에 있는 WAS(애플리케이션 서버)에 닿는지 물어봅니다.',
    'was.button': 'WAS 접속 확인',
    'was.asking': '물어보는 중이에요…',
    'was.connected': 'WAS에 연결되어 있어요.',
    'was.answer': '응답',
    'was.back': '꽃 이름 찾기로 돌아가기',
    'docs.link': 'HTTP API',
    noscript: '이 페이지를 쓰려면 JavaScript를 켜 주세요.',
  },
  en: {
    'title.page': 'Bloomstack · Name the flower in your photo',
    brand: 'Bloomstack',
    'title.check': 'WAS connection check · Bloomstack',
    tagline: 'One photo names your flower.',
    otherLanguage: '한국어',
    'choose.label': 'Choose a photo: album or camera',
    'choose.hint': 'Press the red camera and choose a photo of a flower.',
    'choose.drop': 'You can also drop or paste photos here.',
    'choose.take': 'Take one now',
    'preview.alt': 'The chosen photo',
    'preview.hint': 'The centre square counts. Press the yellow magnifier.',
    'preview.many': '{count} photos. Press the yellow magnifier.',
    'preview.broken': 'This file has no preview',
    'preview.close': 'Close the photo',
    'send.label': 'Name the flower',
    sending: 'Looking at the flower…',
    'sending.many': 'Looking at the photos…',
    'sending.progress': 'Progress',
    'gallery.heading': 'Photos of this visit',
    'gallery.ready': 'Not sent yet',
    'gallery.sending': 'Looking…',
    'gallery.failed': 'Failed',
    offline: 'You are offline. You can continue once there is a connection.',
    'result.heading': 'This flower is',
    'result.unknown': 'This photo shows',
    'result.guesses': 'If it had to be one',
    'result.another': 'Choose another photo',
    'result.confidence': 'Confidence',
    'result.unsure': 'Not sure about this one. Put the flower in the centre and go closer.',
    'result.others': 'It could also be',
    'result.model': 'Model',
    'error.heading': 'That did not work',
    retry: 'Try again',
    'was.link': 'WAS check page',
    'was.heading': 'WAS connection check',
    'was.explanation': 'Asks whether this web service reaches the WAS (application server) behind it.',
    'was.button': 'Check the WAS connection',
    'was.asking': 'Asking…',
    'was.connected': 'The WAS is connected.',
    'was.answer': 'Answer',
    'was.back': 'Back to naming flowers',
    'docs.link': 'HTTP API',
    noscript: 'Please switch on JavaScript to use this page.',
  },
};

/** What the page says in place of its own words when a model has a title of its own: it may not know flowers. */
const NEUTRAL = {
  ko: {
    tagline: '',
    'choose.hint': '빨간 카메라를 눌러 사진을 골라 주세요.',
    'send.label': '무엇인지 알아보기',
    sending: '사진을 살펴보는 중이에요…',
    'result.heading': '이것은',
    'result.unsure': '확신이 낮아요. 가운데에 두고 더 가까이 찍어 보세요.',
  },
  en: {
    tagline: '',
    'choose.hint': 'Press the red camera and choose a photo.',
    'send.label': 'Name it',
    sending: 'Looking at the photo…',
    'result.heading': 'This is',
    'result.unsure': 'Not sure about this one. Put it in the centre and go closer.',
  },
};

/**
 * Takes over what the model says of itself.
 *
 * @param {{ title?: { ko: string, en: string }, hint?: { ko: string, en: string } }} model
 */
export const useWordsOf = ({ title, hint }) => {
  for (const language of ['ko', 'en']) {
    if (title)
      Object.assign(TEXTS[language], NEUTRAL[language], {
        brand: title[language],
        'title.page': `${title[language]} · Bloomstack`,
      });
    if (hint) TEXTS[language]['choose.hint'] = hint[language];
  }
};
