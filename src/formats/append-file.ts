/** A file that is written to its end and read anywhere, gone with the process, however that ends. */
import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export interface AppendFile {
  append(bytes: Uint8Array): void;
  /** Fills `into` with what was written at `position`. */
  read(position: number, into: Uint8Array): void;
  close(): void;
}

const BUFFER_BYTES = 4 * 2 ** 20;

/** Makes the file below `folder`, where it has no name. */
export function appendFile(folder: string): AppendFile {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `spool-${randomUUID()}`);
  const descriptor = openSync(path, 'wx+', 0o600);
  rmSync(path);
  const buffer = new Uint8Array(BUFFER_BYTES);
  let buffered = 0;
  let written = 0;
  const flush = () => {
    writeAll(descriptor, buffer.subarray(0, buffered), written);
    written += buffered;
    buffered = 0;
  };
  return {
    append(bytes: Uint8Array) {
      if (buffered + bytes.length > buffer.length) flush();
      if (bytes.length > buffer.length) {
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

function writeAll(descriptor: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(descriptor, bytes, done, bytes.length - done, position + done);
  }
}
