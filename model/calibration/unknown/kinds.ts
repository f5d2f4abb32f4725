import type { Draw } from './canvas.ts';
import { cartoonFlower } from './cartoon-flowers.ts';
import { chart } from './charts.ts';
import { face } from './faces.ts';
import { gradient, plainColour } from './plain.ts';
import { screenshot } from './screenshots.ts';
import { checks, clouds, noise, stripes, wood } from './textures.ts';
import { thing } from './things.ts';

/** A kind of picture that shows none of the classes. */
export interface UnknownKind {
  readonly name: string;
  /** `choosing`: looked at while the score was designed. `measuring`: only in the report. */
  readonly purpose: 'choosing' | 'measuring';
  readonly draw: Draw;
}

/** Everything that is drawn by code, and what for. */
export const UNKNOWN_KINDS: readonly UnknownKind[] = [
  { name: 'noise', purpose: 'choosing', draw: noise },
  { name: 'clouds', purpose: 'choosing', draw: clouds },
  { name: 'wood', purpose: 'choosing', draw: wood },
  { name: 'stripes', purpose: 'choosing', draw: stripes },
  { name: 'checks', purpose: 'choosing', draw: checks },
  { name: 'plain colours', purpose: 'choosing', draw: plainColour },
  { name: 'gradients', purpose: 'choosing', draw: gradient },
  { name: 'screenshots', purpose: 'measuring', draw: screenshot },
  { name: 'charts', purpose: 'measuring', draw: chart },
  { name: 'drawn faces', purpose: 'measuring', draw: face },
  { name: 'drawn things', purpose: 'measuring', draw: thing },
  { name: 'cartoon flowers', purpose: 'measuring', draw: cartoonFlower },
];
