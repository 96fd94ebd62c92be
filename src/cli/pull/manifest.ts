/** What a puller makes of manifest.json before it trusts it. */
import { z } from 'zod';
import { TeddyhubError } from '../../domain/errors.js';
import { MANIFEST_VERSION, type Manifest, manifestSchema, setDigest } from '../../domain/manifest.js';
import type { WantedFile } from './download.js';

/** A file's URL in the manifest becomes a path here, so it may not lead anywhere else. */
const SAFE_PATH = /^(?:shards|labels)\/[A-Za-z0-9_][A-Za-z0-9._-]*$/;

const versioned = z.object({ schemaVersion: z.number() });

/**
 * The manifest in `bytes`, of the set asked for as `id` (global id or UUID; any, unless given). Throws OBJECT_CORRUPT when it is malformed,
 * another set's, or not what its own digest says; INVALID_INPUT for a version that this Teddyhub does not know.
 */
export function readManifest(bytes: Buffer, id?: string): Manifest {
  const json = parseJson(bytes);
  const version = versioned.safeParse(json);
  if (version.success && version.data.schemaVersion > MANIFEST_VERSION) {
    const message = `manifest.json has version ${version.data.schemaVersion}, this Teddyhub reads ${MANIFEST_VERSION}: update it.`;
    throw new TeddyhubError('INVALID_INPUT', message);
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw corrupt(`is malformed at ${issue?.path.join('.') || 'its root'}: ${issue?.message ?? ''}`);
  }
  const manifest = parsed.data;
  const globalId = Buffer.from(`DistilledSet:${manifest.id}`).toString('base64url');
  if (id !== undefined && id !== globalId && id.toLowerCase() !== manifest.id)
    throw corrupt(`is of the set ${manifest.id} and not of ${id}`);
  // Over what was sent, not over what parsing made of it.
  const digest = setDigest(json as Manifest);
  if (digest !== manifest.digest)
    throw corrupt(`was changed: its content has the digest ${digest}, not ${manifest.digest}`);
  return manifest;
}

/** Every file that the manifest names, shards first. Throws OBJECT_CORRUPT for a URL that is not one of the set's files. */
export function wantedFiles(manifest: Manifest): WantedFile[] {
  const files = [...manifest.shards, ...manifest.labelModes.flatMap((mode) => mode.files)];
  // Label modes may share a file with each other or with the shards.
  const byPath = new Map(files.map(({ url, sha256, bytes }) => [url, { path: url, digest: sha256, bytes }]));
  for (const path of byPath.keys()) {
    if (!SAFE_PATH.test(path)) throw corrupt(`names ${JSON.stringify(path.slice(0, 100))}, which is no file of a set`);
  }
  return [...byPath.values()];
}

/** The shards alone: they hold images, classes and STATIC logits, all that exports are made of. Throws as `wantedFiles`. */
export const wantedShards = (manifest: Manifest): WantedFile[] => wantedFiles({ ...manifest, labelModes: [] });

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw corrupt('is not JSON');
  }
}

const corrupt = (problem: string): TeddyhubError =>
  new TeddyhubError('OBJECT_CORRUPT', `manifest.json ${problem}. Nothing was fetched: tell who runs the service.`);
