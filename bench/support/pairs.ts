/** Which accuracies of bench/quality.ts may be subtracted from each other. */

/** Where an accuracy was measured. */
export interface Paired {
  readonly seed: number;
  /** Missing: 1. */
  readonly protocol?: number;
  /** The beginning of the dataset's digest: of other pixels a seed draws other images. Missing under protocol 1. */
  readonly dataset?: string;
  /** Missing in what was measured before rows said it. */
  readonly hardware?: string;
  /**
   * Of the bytes of all teachers: processors of one name may round in their own ways. Missing in what was measured before rows said
   * it, where the name of the hardware has to do.
   */
  readonly pool?: string;
}

/** Whether the difference of two accuracies is that of their methods. Teachers of another machine are others: they differ in rounding. */
export const isPair = (one: Paired, other: Paired): boolean =>
  one.seed === other.seed &&
  one.protocol === other.protocol &&
  one.dataset === other.dataset &&
  (one.hardware === undefined || other.hardware === undefined || one.hardware === other.hardware) &&
  (one.pool === undefined || other.pool === undefined || one.pool === other.pool);
