import { MAX_PHOTO_BYTES, MAX_PHOTO_PIXELS, MIN_PHOTO_SIDE } from '../../model/photo/format.ts';
import { MAX_PHOTOS, PATHS, type ProblemCode } from '../contract.ts';

/** Each code's status (RFC 9110 and 6585), and its title in both languages. */
export const PROBLEM_KINDS = {
  'malformed-request': [400, 'The request cannot be read', '요청을 읽을 수 없습니다'],
  'headers-too-large': [431, 'The headers are too large', '헤더가 너무 큽니다'],
  'expectation-failed': [417, 'The expectation cannot be met', 'Expect 헤더를 따를 수 없습니다'],
  'unsupported-transfer-coding': [501, 'Unsupported transfer coding', '지원하지 않는 전송 코딩입니다'],
  'too-slow': [408, 'The request took too long', '요청이 너무 오래 걸렸습니다'],
  'missing-photo': [400, 'No photo in the request', '요청에 사진이 없습니다'],
  'too-many-photos': [400, 'Too many photos in the request', '요청에 사진이 너무 많습니다'],
  'malformed-body': [400, 'The request body cannot be read', '요청 본문을 읽을 수 없습니다'],
  'unsupported-content-type': [415, 'Unsupported Content-Type', '지원하지 않는 Content-Type입니다'],
  empty: [400, 'The photo is empty', '사진이 비어 있습니다'],
  'too-large': [413, 'The photo is too large', '사진이 너무 큽니다'],
  'unsupported-format': [415, 'Not an accepted photo format', '받지 않는 사진 형식입니다'],
  'too-many-pixels': [422, 'The photo has too many pixels', '사진의 픽셀이 너무 많습니다'],
  'too-few-pixels': [422, 'The photo has too few pixels', '사진의 픽셀이 너무 적습니다'],
  'too-costly': [422, 'The photo takes too long to decode', '사진을 푸는 데 너무 오래 걸립니다'],
  unreadable: [422, 'The photo cannot be decoded', '사진을 풀 수 없습니다'],
  'endpoint-unavailable': [503, 'The classifier is not available', '분류기를 쓸 수 없습니다'],
  'model-failed': [502, 'The classifier failed', '분류기가 실패했습니다'],
  'was-unavailable': [503, 'The application service is not available', 'WAS를 쓸 수 없습니다'],
  overloaded: [503, 'Too many requests at once', '한꺼번에 온 요청이 너무 많습니다'],
  'rate-limited': [429, 'Too many requests', '요청이 너무 많습니다'],
  unauthorized: [401, 'A key is needed', '키가 필요합니다'],
  'not-found': [404, 'Not found', '찾을 수 없습니다'],
  'method-not-allowed': [405, 'Method not allowed', '허용하지 않는 메서드입니다'],
  internal: [500, 'Internal error', '내부 오류'],
} as const satisfies Record<ProblemCode, readonly [status: number, english: string, korean: string]>;

const HOW_TO_SEND = '사진은 multipart 폼, image/* 본문, 또는 JSON으로 보내 주세요.';
const LATER = '잠시 후 다시 시도해 주세요.';

/** The Korean detail shared by all problems of a code; English ones are written where the problem is raised. */
export const KOREAN_DETAILS: Readonly<Record<ProblemCode, string>> = {
  'malformed-request': '읽을 수 있는 HTTP 요청이 아닙니다.',
  'headers-too-large': '요청 줄과 헤더는 합쳐서 16 KiB까지 받습니다. 쿠키와 헤더를 줄여 주세요.',
  'expectation-failed': 'Expect 헤더는 100-continue만 받습니다.',
  'unsupported-transfer-coding': 'Transfer-Encoding은 chunked만 받습니다.',
  'too-slow': '더 작은 사진을 보내거나 연결이 좋은 곳에서 다시 시도해 주세요.',
  'missing-photo': HOW_TO_SEND,
  'too-many-photos': `한 번에 받는 것보다 사진이 많습니다. POST ${PATHS.classifications}은(는) ${MAX_PHOTOS}장까지 받습니다.`,
  'malformed-body': `본문이 중간에 끊겼거나 형식이 잘못되었습니다. ${HOW_TO_SEND}`,
  'unsupported-content-type': HOW_TO_SEND,
  empty: '사진 파일에 내용이 없습니다. 다른 사진을 보내 주세요.',
  'too-large': `${MAX_PHOTO_BYTES / 2 ** 20} MiB까지 받습니다. 긴 변이 1600픽셀 정도인 사진이면 충분합니다.`,
  'unsupported-format':
    'GIF나 HEIC가 아닌, 움직이지 않는 JPEG, PNG, WebP를 보내 주세요. 파일 이름이 아니라 내용을 봅니다.',
  'too-many-pixels': `${MAX_PHOTO_PIXELS / 1e6}백만 픽셀까지 받습니다. 크기를 줄여서 보내 주세요.`,
  'too-few-pixels': `가로와 세로가 ${MIN_PHOTO_SIDE}픽셀 이상이어야 합니다. 더 큰 사진을 보내 주세요.`,
  'too-costly': '보통의 JPEG로 다시 저장하거나 크기를 줄여서 보내 주세요.',
  unreadable: '사진이 손상되었거나 잘렸습니다. 다른 사진을 보내 주세요.',
  'endpoint-unavailable': LATER,
  'model-failed': `모델이 이 사진을 처리하지 못했습니다. ${LATER}`,
  'was-unavailable': `WAS가 응답하지 않습니다. ${LATER}`,
  overloaded: `지금 처리할 수 있는 것보다 요청이 많습니다. ${LATER}`,
  'rate-limited': '5분 동안 보낼 수 있는 요청 수를 넘었습니다. 기다렸다가 더 천천히 보내 주세요.',
  unauthorized: 'Authorization: Bearer KEY 헤더로 유효한 키를 보내 주세요. 키는 운영자에게 받을 수 있습니다.',
  'not-found': '이 주소에는 아무것도 없습니다.',
  'method-not-allowed': '이 주소는 그 메서드를 받지 않습니다. Allow 헤더에 있는 메서드를 써 주세요.',
  internal: '저희 쪽에서 문제가 생겼습니다. 다시 시도해 보고, 계속되면 requestId를 알려 주세요.',
};
