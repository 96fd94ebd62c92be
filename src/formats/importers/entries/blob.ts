/** A file wherever it lies: read as a stream, or in pieces. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { ObjectStore } from '../../../platform/object-store/object-store.js';
import { roomIn } from '../../append-file.js';
import { unreadable } from '../byte-reader.js';

export interface Blob {
  /** For messages. */
  readonly name: string;
  readonly bytes: number;
  stream(): Promise<Readable>;
  /** The bytes from `start`, fewer at the end. */
  read(start: number, length: number): Promise<Buffer>;
  close(): Promise<void>;
}

const CHUNK_BYTES = 1 << 18;

/** Throws BAD_INPUT_FILE. */
export async function fileBlob(path: string, name = path): Promise<Blob> {
  const file = await open(path).catch((error: unknown) => {
    throw unreadable(name, error);
  });
  return {
    ...(await handleBlob(file, name)),
    stream: async () => createReadStream(path, { highWaterMark: CHUNK_BYTES }),
  };
}

export function objectBlob(store: ObjectStore, key: string, bytes: number, name = key): Blob {
  return {
    name,
    bytes,
    stream: () => store.stream(key),
    read: async (start, length) =>
      start >= bytes ? Buffer.alloc(0) : store.get(key, { start, length: Math.min(length, bytes - start) }),
    close: async () => undefined,
  };
}

/** Copies a stream into a file without a name in `folder`: what can only be streamed becomes what can be read in pieces. */
export async function copyToBlob(stream: Readable, name: string, folder: string): Promise<Blob> {
  // It may fail before it is read, and throws the same then.
  stream.on('error', () => undefined);
  await mkdir(folder, { recursive: true });
  const path = join(folder, `copy-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  try {
    await rm(path);
    const look = roomIn(folder);
    let written = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      look(written);
      await file.appendFile(chunk);
      written += chunk.length;
    }
    return await handleBlob(file, name);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function handleBlob(file: FileHandle, name: string): Promise<Blob> {
  const { size } = await file.stat();
  return {
    name,
    bytes: size,
    stream: async () => file.createReadStream({ start: 0, autoClose: false, highWaterMark: CHUNK_BYTES }),
    async read(start, length) {
      const { buffer: bytes, bytesRead } = await file.read(Buffer.alloc(length), 0, length, start);
      return bytes.subarray(0, bytesRead);
    },
    close: () => file.close(),
  };
}
