import type { CalibrationWriter, NetworkWriter } from '../savedmodel/serving-graph.ts';
import { writeKnownScore } from './calibration-nodes.ts';
import { fitKnownScore, type KnownScore } from './known-score.ts';
import { type LabelledPhoto, type Observation, observe } from './observe.ts';
import { fitTemperature } from './temperature.ts';
import type { UnknownPhotos } from './unknown/unknown-photos.ts';

export interface Calibration extends CalibrationWriter {
  readonly knownScore: KnownScore;
}

export interface CalibrationPhotos {
  /** What the network makes of the photos that it was trained on, or those photos. */
  readonly train: readonly LabelledPhoto[] | (() => Promise<readonly Observation[]>);
  /** Photos of the classes that were not trained on, and are not those of the final test. */
  readonly validation: readonly LabelledPhoto[];
  /** Pictures that show none of the classes. @default none */
  readonly unknown?: readonly Pick<UnknownPhotos, 'photos' | 'source'>[];
}

/** With fewer held-out photos neither a temperature nor a threshold means anything. */
export const FEWEST_PHOTOS = 20;

/**
 * Fits temperature and score to photos that the network was not trained on. The network itself stays as it is.
 *
 * @param write the trained network, as it will be exported
 * @returns undefined when there are fewer than {@link FEWEST_PHOTOS} to judge by
 * @throws Stopped when the signal is aborted
 */
export const calibrate = async (
  write: NetworkWriter,
  classes: number,
  { train, validation, unknown = [] }: CalibrationPhotos,
  signal?: AbortSignal,
): Promise<Calibration | undefined> => {
  if (validation.length < FEWEST_PHOTOS) return undefined;
  const heldOut = await observe(write, validation, signal);
  const known = typeof train === 'function' ? await train() : await observe(write, train, signal);
  const others = await observe(
    write,
    unknown.flatMap(({ photos }) => photos).map((pixels) => ({ label: -1, pixels })),
    signal,
  );
  const knownScore = fitKnownScore(classes, known, heldOut, {
    features: others.map(({ features }) => features),
    photographed: unknown.some(({ source }) => source === 'photos'),
  });
  return {
    temperature: fitTemperature(heldOut),
    features: knownScore.direction.length,
    knownScore,
    writeKnownScore: (graph, features) => writeKnownScore(graph, features, knownScore),
  };
};
