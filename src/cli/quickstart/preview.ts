/** The quickstart fetches its set as a trainer would, every digest verified, and draws what it fetched. */
import { rm, writeFile } from 'node:fs/promises';
import { readDistilledShards } from '../../formats/distilled-shards.js';
import { previewGrid } from '../../formats/preview.js';
import { openFolderObjectStore } from '../../platform/object-store/folder-object-store.js';
import { pull } from '../pull.js';

/** Samples of a class in a row of the picture, and the size of a stored pixel in it. */
const PER_CLASS = 20;
const SCALE = 2;

export async function pullAndDraw(
  from: { url: string; key: string; id: string },
  to: string,
  picture: string,
): Promise<void> {
  // The set of an earlier quickstart, which `pull` leaves to whoever pulled it.
  await rm(to, { recursive: true, force: true });
  const { manifest, folder } = await pull({ ...from, to }, () => {});
  const store = await openFolderObjectStore(folder);
  const shards = manifest.shards.map(({ url, sha256, bytes, samples }) => ({
    key: url,
    digest: sha256,
    bytes,
    samples,
  }));
  const { images, labels, height, width, channels } = await readDistilledShards(store, shards);
  await writeFile(picture, previewGrid(images, labels, { height, width, channels }, PER_CLASS, SCALE));
}
