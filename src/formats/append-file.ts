/** A file that is written to its end and read anywhere, gone with the process, however that ends. */
import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { TeddyhubError } from '../domain/errors.js';

export interface AppendFile {
  append(bytes: Uint8Array): void;
  /** Fills `into` with what was written at `position`. */
  read(position: number, into: Uint8Array): void;
  close(): void;
}

const BUFFER_BYTES = 4 * 2 ** 20;
/** How often the disk is asked for what is left of it, and how much of it is left to others: the database may be beside us. */
const LOOK_EVERY_BYTES = 64 * 2 ** 20;
const RESERVED_BYTES = 2 ** 30;
const RESERVED_SHARE = 0.05;

/** Makes the file below `folder`, where it has no name. `append` throws STORAGE_FULL before the disk is full. */
export function appendFile(folder: string): AppendFile {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `spool-${randomUUID()}`);
  const descriptor = openSync(path, 'wx+', 0o600);
  rmSync(path);
  const buffer = new Uint8Array(BUFFER_BYTES);
  let buffered = 0;
  let written = 0;
  const look = roomIn(folder);
  const flush = () => {
    look(written);
    writeAll(descriptor, buffer.subarray(0, buffered), written);
    written += buffered;
    buffered = 0;
  };
  return {
    append(bytes: Uint8Array) {
      if (buffered + bytes.length > buffer.length) flush();
      if (bytes.length > buffer.length) {
        look(written);
        writeAll(descriptor, bytes, written);
        written += bytes.length;
      } else {
        buffer.set(bytes, buffered);
        buffered += bytes.length;
      }
    },
    read(position: number, into: Uint8Array) {
      if (buffered > 0) flush();
      for (let read = 0; read < into.length; ) {
        const bytes = readSync(descriptor, into, read, into.length - read, position + read);
        if (bytes === 0) throw new Error('the spool is shorter than what was written to it');
        read += bytes;
      }
    },
    close: () => closeSync(descriptor),
  };
}

/** Looks now and then, by what was written, whether the disk has room for more. Throws STORAGE_FULL. */
export function roomIn(folder: string): (written: number) => void {
  let nextLook = LOOK_EVERY_BYTES;
  return (written) => {
    if (written < nextLook) return;
    nextLook = written + LOOK_EVERY_BYTES;
    assertRoom(folder);
  };
}

/** Whether there is room for so many bytes more: a few of an archive may stand for gigabytes of images. Throws STORAGE_FULL. */
export function assertRoom(folder: string, wanted = 0): void {
  const { bavail, blocks, bsize } = statfsSync(folder);
  if (bavail * bsize - wanted > Math.min(RESERVED_BYTES, RESERVED_SHARE * blocks * bsize)) return;
  const [left, needed] = [bavail * bsize, wanted].map((bytes) => Math.round(bytes / 2 ** 20));
  const problem = wanted > 0 ? `and ${needed} are needed with some to spare` : 'which are not taken';
  throw new TeddyhubError(
    'STORAGE_FULL',
    `The disk of ${folder} has ${left} MiB left, ${problem}: free some space, or name another folder (TEDDYHUB_SCRATCH_DIR).`,
  );
}

function writeAll(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
  }
}
