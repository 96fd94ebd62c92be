/** Sends a file in parts, one after the other, each again where the connection breaks. */
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { operations, type Teddyhub, UserErrors } from '../../../clients/typescript/src/index.js';
import { TeddyhubError } from '../../domain/errors.js';
import { startPhase } from '../quickstart/progress.js';
import { type UploadNote, uploadNote } from './upload-note.js';

const TRIES = 5;
const FIRST_WAIT_MS = 500;

/**
 * Answers the id of the upload, which is complete. Parts that an earlier try has brought are not sent again. Throws
 * UNAVAILABLE, INVALID_INPUT.
 */
export async function uploadFile(
  client: Teddyhub,
  service: { url: string; key: string },
  path: string,
  bytes: number,
): Promise<string> {
  const note = await uploadNote(service.url, path);
  const upload = await beginOrResume(client, note, path, bytes);
  const file = await open(path);
  const phase = startPhase('upload');
  try {
    const partBytes = Number(upload.partBytes);
    const parts: { number: number; tag: string }[] = [];
    let urls = new Map(upload.parts.map((part) => [part.number, part.url]));
    for (const { number, tag } of upload.parts) {
      const start = (number - 1) * partBytes;
      const length = Math.min(partBytes, bytes - start);
      const send = async () => sendPart(urls.get(number) ?? '', await readPart(file, start, length), service);
      const sent =
        tag ??
        (await send().catch(async (error: unknown) => {
          if (!(error instanceof PartRefused) || error.status !== 403) throw error;
          // The URLs of a long upload run out: those of now are good for hours again.
          const { upload: renewed } = await client.mutate(operations.ResumeDatasetUpload, { uploadId: upload.id });
          urls = new Map(renewed?.parts.map((part) => [part.number, part.url]));
          return send();
        }));
      parts.push({ number, tag: sent });
      phase.update((start + length) / bytes);
    }
    await client.mutate(operations.CompleteDatasetUpload, { uploadId: upload.id, parts });
    await note.remove();
    phase.done();
    return upload.id;
  } catch (error) {
    phase.abandon();
    throw error;
  } finally {
    await file.close();
  }
}

async function beginOrResume(client: Teddyhub, note: UploadNote, path: string, bytes: number) {
  const uploadId = await note.read();
  if (uploadId !== null) {
    const { upload } = await client.mutate(operations.ResumeDatasetUpload, { uploadId }).catch((error: unknown) => {
      // It was given up meanwhile.
      if (error instanceof UserErrors) return { upload: null };
      throw error;
    });
    if (upload !== null) return upload;
  }
  const { upload } = await client.mutate(operations.BeginDatasetUpload, {
    fileName: basename(path),
    bytes: String(bytes),
  });
  if (upload === null) throw new TeddyhubError('INTERNAL', 'The service began no upload.');
  await note.write(upload.id);
  return upload;
}

class PartRefused extends TeddyhubError {
  constructor(
    readonly status: number,
    text: string,
  ) {
    super(
      'INVALID_INPUT',
      `A part was refused (${status}): ${text}. What arrived is kept: run the command again once that is fixed.`,
    );
  }
}

async function readPart(file: FileHandle, start: number, length: number): Promise<Buffer<ArrayBuffer>> {
  const part = Buffer.alloc(length);
  const { bytesRead } = await file.read(part, 0, length, start);
  if (bytesRead === length) return part;
  throw new TeddyhubError('BAD_INPUT_FILE', 'The file became shorter while it was uploaded: upload it again.');
}

async function sendPart(
  url: string,
  part: Buffer<ArrayBuffer>,
  { url: api, key }: { url: string; key: string },
): Promise<string> {
  // A URL of the object store holds its own signature; the key is for the service alone.
  const own = url.startsWith('/');
  const target = own ? `${api.replace(/\/+$/, '')}${url}` : url;
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(target, {
      method: 'PUT',
      body: part,
      headers: own ? { authorization: `Bearer ${key}` } : {},
    }).catch((error: unknown) => String(error instanceof Error ? (error.cause ?? error.message) : error));
    const tag = typeof answer === 'string' ? null : answer.headers.get('etag');
    if (typeof answer !== 'string') {
      if (answer.ok && tag !== null) return tag.replaceAll('"', '');
      const text = await answer.text();
      if (answer.status < 500 && answer.status !== 429) {
        throw new PartRefused(answer.status, text.slice(0, 200).replaceAll('\n', ' '));
      }
    }
    if (attempt === TRIES) {
      const reason = typeof answer === 'string' ? answer : `status ${answer.status}`;
      throw new TeddyhubError('UNAVAILABLE', `The upload broke off (${reason}): run the command again.`);
    }
    await wait(FIRST_WAIT_MS * 2 ** (attempt - 1));
  }
}
