/** The object store that the configuration names. */
import type { ObjectStoreConfig } from '../config/env.js';
import { openFolderObjectStore } from './folder-object-store.js';
import type { ObjectStore } from './object-store.js';
import { PATIENCE, type Patience } from './retry.js';
import { openS3ObjectStore, s3ObjectStore } from './s3-object-store.js';

/** Throws BAD_CONFIGURATION when the folder, the bucket or the keys cannot be used, UNAVAILABLE when nobody answers. */
export function openObjectStore(config: ObjectStoreConfig, patience: Patience = PATIENCE): Promise<ObjectStore> {
  return config.kind === 'folder' ? openFolderObjectStore(config.path) : openS3ObjectStore(config, patience);
}

/**
 * A store that another process has opened before: a bucket that is away for a moment is waited for with the first object, and no bucket is
 * made where that of the service is not there yet. Throws BAD_CONFIGURATION where a folder cannot be used.
 */
export async function reopenObjectStore(config: ObjectStoreConfig): Promise<ObjectStore> {
  return config.kind === 'folder' ? openFolderObjectStore(config.path) : s3ObjectStore(config, PATIENCE);
}
