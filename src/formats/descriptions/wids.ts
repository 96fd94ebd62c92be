/**
 * wids.json: the index that the `wids` package (random access to WebDataset shards) opens, by URL or in a folder. URLs are
 * relative to its own, so that credentials in the index's URL hold for the shards as well.
 */
import { canonicalJson } from '../../domain/canonical-json.js';
import type { Manifest } from '../../domain/manifest.js';

export const widsBytes = ({ name, shards }: Manifest): Buffer =>
  Buffer.from(
    canonicalJson({
      __kind__: 'wids-shard-index-v1',
      wids_version: 1,
      name,
      shardlist: shards.map(({ url, bytes, samples, sha256 }) => ({ url, filesize: bytes, nsamples: samples, sha256 })),
    }),
  );
