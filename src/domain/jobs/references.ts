/** The building blocks of job contracts: everything a worker needs, by value or by object key. Shared by payloads and results. */
import { z } from 'zod';
import { architectureConfig } from '../config/architecture.js';
import { TEACHER_KINDS } from '../config/pool.js';
import { sha256 } from '../digest.js';

/** An object in the store: named by the digest of its bytes, which the reader verifies. */
export const objectRef = z.strictObject({ key: z.string().min(1), digest: sha256, bytes: z.number().int().min(0) });

export const shardRef = objectRef.extend({ samples: z.number().int().min(0) });

export const namedFileRef = objectRef.extend({ name: z.string().min(1) });

export const imageShape = z.strictObject({
  height: z.number().int().positive(),
  width: z.number().int().positive(),
  channels: z.number().int().positive(),
});

/** A READY dataset. `mean` and `std` per channel, for pixel values scaled to [0, 1], over the training split. */
export const datasetRef = z.strictObject({
  digest: sha256,
  classNames: z.array(z.string()).min(2),
  shape: imageShape,
  mean: z.array(z.number()),
  std: z.array(z.number()),
  train: z.array(shardRef),
  test: z.array(shardRef),
});

export const teacherRef = z.strictObject({
  /** Position in the pool. */
  index: z.number().int().min(0),
  kind: z.enum(TEACHER_KINDS),
  /** Its own: a pool may hold networks of several. */
  architecture: architectureConfig,
  epoch: z.number().nullable(),
  /** Top-1 on the test split, percent. */
  accuracy: z.number(),
  checkpoint: objectRef,
});

export type ObjectRef = z.infer<typeof objectRef>;
export type ShardRef = z.infer<typeof shardRef>;
export type NamedFileRef = z.infer<typeof namedFileRef>;
export type DatasetRef = z.infer<typeof datasetRef>;
export type TeacherRef = z.infer<typeof teacherRef>;
