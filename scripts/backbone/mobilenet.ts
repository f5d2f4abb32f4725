/** A file, as its publisher made it. */
export interface BackboneFile {
  readonly name: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** A pretrained network in files of fixed content. */
export interface PublishedBackbone {
  /** Of the folder; each file's name goes at the end of its path. */
  readonly address: string;
  /** In the order in which they are put in place. What reads a network begins with `model.json`: it is the last. */
  readonly files: readonly BackboneFile[];
}

/**
 * Google's MobileNet v1 for photos of 224 x 224, a quarter as wide, trained on ImageNet (Apache-2.0): a TensorFlow.js
 * graph model. The address is TensorFlow Hub's, which `loadGraphModel` with `fromTFHub` asks too; it leads to where
 * Google keeps the files now.
 */
export const MOBILENET: PublishedBackbone = {
  address: 'https://tfhub.dev/google/imagenet/mobilenet_v1_025_224/classification/1/?tfjs-format=file',
  files: [
    {
      name: 'group1-shard1of1.bin',
      bytes: 1_870_388,
      sha256: '639c16be6dac70b2350586f503a379396807dcb2df840685bfafe6af2d8ec30f',
    },
    {
      name: 'model.json',
      bytes: 44_068,
      sha256: 'f9d5d3752f20a5d9a115749bdbe7643b38cd57a11d4114f5dd2f4404af9850d8',
    },
  ],
};
