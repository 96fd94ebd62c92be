/**
 * Exports on demand: made once from verified shards, kept in the object store under the digest of their bytes, and found again
 * by what they were made of. Garbage collection takes them like anything that no row names; then they are made again.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TeddyhubError } from '../../domain/errors.js';
import { type ObjectRef, objectRef } from '../../domain/jobs/references.js';
import type { Manifest } from '../../domain/manifest.js';
import { assertRoom } from '../../formats/append-file.js';
import type { ExportFileName } from '../../formats/exports/export-file.js';
import { exportOnThread } from '../../formats/exports/export-thread.js';
import {
  completeUpload,
  getVerified,
  MIN_PART_BYTES,
  type ObjectStore,
  type UploadedPart,
} from '../../platform/object-store/object-store.js';

/** A change of what an export holds raises it. */
const VERSION = 2;
/** Of the folders in which exports are made, and how old one is that nobody works in any more. */
const PREFIX = 'export-';
const ABANDONED_MS = 24 * 3_600_000;
const PART_BYTES = 4 * MIN_PART_BYTES;

export interface ExportedSet {
  readonly manifest: Manifest;
  /** As it is stored. */
  readonly manifestJson: Buffer;
  /** Its shards by the URLs that the manifest has for them. */
  readonly shards: ReadonlyMap<string, ObjectRef>;
}

/** What making the export takes of the scratch disk, but for names and headers: its shards, and what comes of them. */
function roomOf({ manifest, shards }: ExportedSet, name: ExportFileName): number {
  const { sampleCount, imageShape, fullImageShape, classNames } = manifest;
  const sizeOf = ({ height, width, channels }: typeof imageShape) => sampleCount * height * width * channels;
  const logits = sampleCount * classNames.length;
  const stored = [...shards.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  const made = {
    // The images, and a tar of them.
    'class-folders.tar': 2 * stored,
    'data.parquet': stored + 4 * logits,
    'data.npz': sizeOf(imageShape) + 2 * logits,
    'set.safetensors': 4 * sizeOf(fullImageShape) + 2 * logits,
  };
  return stored + made[name];
}

export class SetExports {
  private readonly underWay = new Map<string, Promise<ObjectRef>>();
  /** One after the other: each takes a core and the disk. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: ObjectStore,
    private readonly scratch: string,
  ) {}

  /**
   * The object of the export, made where it is not there yet; `open` is asked for the set then. `manifestDigest` is of the
   * manifest's bytes: some exports hold the set's id.
   */
  async find(manifestDigest: string, name: ExportFileName, open: () => Promise<ExportedSet>): Promise<ObjectRef> {
    const made = createHash('sha256').update(`${VERSION} ${name} ${manifestDigest}`).digest('hex');
    const note = `exports/${made}.json`;
    const there = await this.noted(note);
    if (there !== null) return there;
    const running = this.underWay.get(note);
    if (running !== undefined) return running;
    const making = this.inTurn(open(), name, note).finally(() => this.underWay.delete(note));
    this.underWay.set(note, making);
    return making;
  }

  /** The set was asked for before: rows are read while the request that wants them is young. */
  private async inTurn(asked: Promise<ExportedSet>, name: ExportFileName, note: string): Promise<ObjectRef> {
    const set = await asked;
    const making = this.last.then(() => this.make(set, name, note));
    this.last = making.catch(() => undefined);
    return making;
  }

  private async noted(note: string): Promise<ObjectRef | null> {
    if ((await this.store.stat(note)) === null) return null;
    const ref = objectRef.parse(JSON.parse((await this.store.get(note)).toString('utf8')));
    return (await this.store.stat(ref.key))?.bytes === ref.bytes ? ref : null;
  }

  private async make(set: ExportedSet, name: ExportFileName, note: string): Promise<ObjectRef> {
    const { manifest, manifestJson, shards } = set;
    await mkdir(this.scratch, { recursive: true });
    await this.sweep();
    assertRoom(this.scratch, roomOf(set, name));
    const folder = await mkdtemp(join(this.scratch, PREFIX));
    try {
      await mkdir(join(folder, 'set'));
      await writeFile(join(folder, 'set', 'manifest.json'), manifestJson);
      for (const [url, shard] of shards) {
        const path = join(folder, 'set', url);
        await mkdir(dirname(path), { recursive: true });
        await writeFile(path, await getVerified(this.store, shard));
      }
      const file = join(folder, name);
      await exportOnThread({ set: { folder: join(folder, 'set'), manifest }, name, to: file });
      const ref = await this.keep(file, name);
      await this.store.put(note, Buffer.from(JSON.stringify(ref)));
      return ref;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Removes what processes left behind that were killed while they made an export. */
  private async sweep(): Promise<void> {
    for (const name of await readdir(this.scratch)) {
      const folder = join(this.scratch, name);
      const about = name.startsWith(PREFIX) ? await stat(folder).catch(() => null) : null;
      if (about !== null && Date.now() - about.mtimeMs > ABANDONED_MS)
        await rm(folder, { recursive: true, force: true });
    }
  }

  private async keep(path: string, name: string): Promise<ObjectRef> {
    const { size } = await stat(path);
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
    const hex = hash.digest('hex');
    const key = `exports/${hex}${name.slice(name.lastIndexOf('.'))}`;
    const upload = { key, id: await this.store.uploads.begin(key) };
    const file = await open(path);
    try {
      const parts: UploadedPart[] = [];
      for (let start = 0; start < size; start += PART_BYTES) {
        const part = Buffer.alloc(Math.min(PART_BYTES, size - start));
        const { bytesRead } = await file.read(part, 0, part.length, start);
        if (bytesRead < part.length)
          throw new TeddyhubError('INTERNAL', `The export ${name} changed while it was kept.`);
        const number = parts.length + 1;
        parts.push({ number, tag: await this.store.uploads.put(upload, number, part) });
      }
      await completeUpload(this.store, upload, parts, size);
    } catch (error) {
      await this.store.uploads.abort(upload).catch(() => undefined);
      throw error;
    } finally {
      await file.close();
    }
    return { key, digest: `sha256:${hex}`, bytes: size };
  }
}
