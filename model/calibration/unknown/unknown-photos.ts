/** Pictures that show none of the classes. */
export interface UnknownPhotos {
  readonly kind: string;
  readonly source: 'drawn' | 'photos';
  /** `choosing`: looked at when score and threshold were made; `measuring`: kept for the measurement. */
  readonly purpose: 'choosing' | 'measuring';
  readonly photos: readonly Uint8Array[];
}
