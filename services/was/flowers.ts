import type { Language } from '../contract.ts';

/** A flower's name and description in every language. */
export type Flower = Readonly<Record<Language, { readonly name: string; readonly description: string }>>;

const DESCRIPTIONS: Readonly<Record<string, Flower>> = {
  astilbe: {
    en: {
      name: 'Astilbe',
      description:
        'Feathery plumes of tiny pink, red or white flowers above fern-like leaves. A perennial of moist, shady gardens that blooms from early to late summer and keeps its shape even when dry.',
    },
    ko: {
      name: '아스틸베',
      description:
        '고사리를 닮은 잎 위로 분홍, 빨강, 흰색의 아주 작은 꽃들이 깃털처럼 모여 핍니다. 촉촉한 반그늘을 좋아하는 여러해살이풀로 초여름부터 늦여름까지 피며, 말라도 모양이 그대로 남습니다.',
    },
  },
  bellflower: {
    en: {
      name: 'Bellflower',
      description:
        'Campanula: bells with five pointed lobes, mostly blue or violet, sometimes white or pink. Several hundred species grow across the cooler north, from rock crevices to cottage gardens.',
    },
    ko: {
      name: '초롱꽃',
      description:
        '끝이 다섯 갈래로 갈라진 종 모양의 꽃으로, 파랑과 보라가 많고 흰색과 분홍도 있습니다. 바위틈에서 정원까지 북반구의 서늘한 곳에 수백 종이 자랍니다.',
    },
  },
  black_eyed_susan: {
    en: {
      name: 'Black-eyed Susan',
      description:
        'Rudbeckia hirta: golden rays around a domed, chocolate-brown centre on rough, hairy stems. A North American prairie flower that blooms all summer and feeds bees, butterflies and, later, finches.',
    },
    ko: {
      name: '루드베키아',
      description:
        '볼록한 짙은 갈색 중심을 황금빛 꽃잎이 둘러싼 꽃으로, 줄기와 잎에 거친 털이 있습니다. 북아메리카 초원이 고향이며 여름 내내 피어 벌과 나비를 부르고, 씨앗은 새들의 먹이가 됩니다.',
    },
  },
  calendula: {
    en: {
      name: 'Calendula',
      description:
        'Pot marigold: flat orange or yellow heads that open with the sun and close at dusk. An easy annual whose petals have long coloured soups, butter and healing ointments.',
    },
    ko: {
      name: '금잔화',
      description:
        '해가 뜨면 열리고 해 질 녘에 닫히는 주황색이나 노란색 꽃입니다. 기르기 쉬운 한해살이풀로, 꽃잎은 오래전부터 음식의 색을 내고 연고를 만드는 데 쓰였습니다.',
    },
  },
  california_poppy: {
    en: {
      name: 'California poppy',
      description:
        'Four silky petals, most often orange, over finely cut blue-green leaves. The state flower of California closes at night and in cold weather, and sows itself on dry, poor ground.',
    },
    ko: {
      name: '금영화',
      description:
        '가늘게 갈라진 청록색 잎 위로 비단 같은 네 장의 꽃잎이 피며 주황색이 가장 흔합니다. 캘리포니아의 주화로, 밤이나 추운 날에는 꽃을 닫고 메마른 땅에서도 저절로 퍼집니다.',
    },
  },
  carnation: {
    en: {
      name: 'Carnation',
      description:
        'Ruffled, clove-scented flowers on stiff blue-grey stems, in every colour but true blue. One of the oldest cut flowers, given to parents and teachers in Korea each May.',
    },
    ko: {
      name: '카네이션',
      description:
        '청회색 줄기 끝에 주름진 꽃잎이 겹겹이 피고 정향을 닮은 향이 납니다. 가장 오래된 절화 가운데 하나로, 한국에서는 5월에 부모님과 선생님께 감사의 마음을 담아 드립니다.',
    },
  },
  common_daisy: {
    en: {
      name: 'Common daisy',
      description:
        'Bellis perennis: white rays, often tipped with pink, around a yellow disc on a short leafless stalk. It dots lawns almost all year round and folds up every evening.',
    },
    ko: {
      name: '데이지',
      description:
        '잎이 없는 짧은 꽃대 끝에 노란 중심을 흰 꽃잎이 둘러싸며, 꽃잎 끝이 분홍빛을 띠기도 합니다. 거의 일 년 내내 잔디밭에 피고 저녁이면 꽃을 오므립니다.',
    },
  },
  coreopsis: {
    en: {
      name: 'Coreopsis',
      description:
        'Tickseed: bright yellow, daisy-like flowers with toothed tips, some marked with red at the heart. A tough prairie perennial that flowers for months in sun and drought.',
    },
    ko: {
      name: '금계국',
      description:
        '끝이 톱니처럼 갈라진 선명한 노란 꽃으로, 가운데가 붉게 물든 종류도 있습니다. 햇볕과 가뭄에 강한 초원의 여러해살이풀로 초여름 길가를 몇 달이나 노랗게 물들입니다.',
    },
  },
  daffodil: {
    en: {
      name: 'Daffodil',
      description:
        'Narcissus: a trumpet or cup set on six petals, in yellow, white or orange. It rises from a bulb at the end of winter; all parts of the plant are poisonous, so animals leave it alone.',
    },
    ko: {
      name: '수선화',
      description:
        '여섯 장의 꽃잎 가운데 나팔이나 컵 모양의 덧꽃부리가 있는 노랑, 하양, 주황 꽃입니다. 겨울 끝에 알뿌리에서 솟아나며, 식물 전체에 독이 있어 동물이 먹지 않습니다.',
    },
  },
  dandelion: {
    en: {
      name: 'Dandelion',
      description:
        'A head of a hundred or more golden florets on a hollow, milky stalk that turns into a globe of parachuted seeds. Leaves, flowers and roots have all been eaten for centuries.',
    },
    ko: {
      name: '민들레',
      description:
        '하얀 즙이 나는 속이 빈 꽃대 끝에 백 개가 넘는 노란 꽃이 모여 피고, 이내 솜털 공 같은 씨앗이 되어 바람에 날아갑니다. 잎과 꽃과 뿌리를 오랫동안 먹어 왔습니다.',
    },
  },
  iris: {
    en: {
      name: 'Iris',
      description:
        'Three upright petals and three that fall, often bearded or veined, in so many colours that the genus is named after the rainbow. Sword-shaped leaves stand in fans from a creeping rhizome.',
    },
    ko: {
      name: '붓꽃',
      description:
        '곧게 선 꽃잎 석 장과 아래로 늘어진 꽃잎 석 장으로 이루어지며, 색이 다양해 무지개의 이름을 얻었습니다. 꽃봉오리가 먹을 머금은 붓을 닮았고 칼 모양의 잎이 부채처럼 펼쳐집니다.',
    },
  },
  magnolia: {
    en: {
      name: 'Magnolia',
      description:
        'Large, waxy white, pink or purple cups on bare branches in early spring. An ancient lineage that bloomed before there were bees and is pollinated by beetles to this day.',
    },
    ko: {
      name: '목련',
      description:
        '이른 봄, 잎보다 먼저 가지 끝에 크고 도톰한 흰색, 분홍, 자주색 꽃이 핍니다. 벌이 나타나기 전부터 피어 온 오래된 식물로 지금도 딱정벌레가 꽃가루를 옮깁니다.',
    },
  },
  rose: {
    en: {
      name: 'Rose',
      description:
        'Five petals in the wild, dozens in the garden, on prickly stems with toothed leaflets. Bred for thousands of years for colour, form and scent, and the world over a sign of love.',
    },
    ko: {
      name: '장미',
      description:
        '야생에서는 꽃잎이 다섯 장이지만 정원에서는 수십 장이 겹쳐 피며, 줄기에 가시가 있습니다. 수천 년 동안 색과 모양과 향을 위해 가꾸어 온, 온 세계가 아는 사랑의 꽃입니다.',
    },
  },
  sunflower: {
    en: {
      name: 'Sunflower',
      description:
        'A giant head of yellow rays around hundreds of small florets in spirals, on a stalk taller than a person. Young plants follow the sun across the sky; grown ones face east.',
    },
    ko: {
      name: '해바라기',
      description:
        '사람 키보다 큰 줄기 끝에 나선으로 늘어선 수백 개의 작은 꽃을 노란 꽃잎이 둘러쌉니다. 어릴 때는 해를 따라 고개를 돌리고, 다 자라면 동쪽을 바라봅니다.',
    },
  },
  tulip: {
    en: {
      name: 'Tulip',
      description:
        'A single smooth cup of six petals on an upright stem, in nearly every colour. It came from the steppes of Central Asia, and once a rare bulb in Holland cost as much as a house.',
    },
    ko: {
      name: '튤립',
      description:
        '곧은 줄기 끝에 여섯 장의 매끈한 꽃잎이 컵 모양으로 피며 색이 매우 다양합니다. 중앙아시아 초원에서 왔고, 한때 네덜란드에서는 희귀한 알뿌리 하나가 집 한 채 값이었습니다.',
    },
  },
  water_lily: {
    en: {
      name: 'Water lily',
      description:
        'Starry white, pink, yellow or blue flowers that float among round, notched leaves on still water. Most open in the morning and close by afternoon, for a few days only.',
    },
    ko: {
      name: '수련',
      description:
        '한쪽이 갈라진 둥근 잎 사이로 흰색, 분홍, 노랑, 파랑의 별 모양 꽃이 잔잔한 물 위에 뜹니다. 대부분 아침에 열리고 오후에 닫히기를 며칠 동안 되풀이합니다.',
    },
  },
};

/** Names and descriptions of flowers, by the names that datasets use for their folders. */
export const FLOWERS: ReadonlyMap<string, Flower> = new Map(Object.entries(DESCRIPTIONS));
