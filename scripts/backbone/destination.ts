import type { BackboneFile } from './mobilenet.ts';

/** A file whose content has been verified. */
export interface VerifiedFile extends BackboneFile {
  readonly content: Uint8Array;
}

/** Where the files go. */
export interface Destination {
  /** For people. */
  readonly name: string;
  /**
   * Whether it holds these very files already.
   *
   * @throws Error when they can never be put there
   */
  holds(files: readonly BackboneFile[]): Promise<boolean>;
  /** Puts them in their order. Nobody who begins with the last one sees a part of them. */
  put(files: readonly VerifiedFile[]): Promise<void>;
}
