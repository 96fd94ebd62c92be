/** A real S3 server: SeaweedFS. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts, KEYS, newFolder, programOf, type S3Server, startS3Server } from './s3-server.js';

/** Starts a server on free ports and waits until it takes requests (about four seconds). */
export async function startSeaweedfs(): Promise<S3Server> {
  const program = programOf('weed');
  const folder = await newFolder();
  const identities = join(folder, 'identities.json');
  const actions = ['Admin', 'Read', 'Write', 'List', 'Tagging'];
  await writeFile(identities, JSON.stringify({ identities: [{ name: 'tests', credentials: [KEYS], actions }] }));
  const names = ['master', 'volume', 'filer', 's3'];
  const ports = await freePorts(2 * names.length);
  const flags = names.flatMap((name, i) => [`-${name}.port=${ports[2 * i]}`, `-${name}.port.grpc=${ports[2 * i + 1]}`]);
  const where = [`-dir=${folder}`, '-ip=127.0.0.1', '-ip.bind=127.0.0.1'];
  // These two listen on fixed ports otherwise: a second server on the machine could not start.
  const off = ['-s3.port.iceberg=0', '-s3.port.lance=0'];
  const args = ['server', ...where, ...off, '-s3', `-s3.config=${identities}`, ...flags];
  return startS3Server({ program, args, port: ports[6] ?? 0, folder });
}
