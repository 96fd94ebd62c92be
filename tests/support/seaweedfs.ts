/** A real S3 server: SeaweedFS. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts, KEYS, newFolder, programOf, type S3Server, startS3Server } from './s3-server.js';

/**
 * A bucket takes seven of the eight volumes that there are by default, so that the next one gets one and the third none, as
 * every write to it is then told (500). One a bucket, and room for any number of them.
 */
const GROWTH = { WEED_MASTER_VOLUME_GROWTH_COPY_1: '1' };
const VOLUMES = '-volume.max=1000';

/** Starts a server on free ports and waits until it takes requests (about four seconds). */
export const startSeaweedfs = (): Promise<S3Server> =>
  startS3Server(async () => {
    const program = programOf('weed');
    const folder = await newFolder();
    const identities = join(folder, 'identities.json');
    const actions = ['Admin', 'Read', 'Write', 'List', 'Tagging'];
    await writeFile(identities, JSON.stringify({ identities: [{ name: 'tests', credentials: [KEYS], actions }] }));
    const names = ['master', 'volume', 'filer', 's3'];
    const ports = await freePorts(2 * names.length);
    const flags = names.flatMap((name, i) => [
      `-${name}.port=${ports[2 * i]}`,
      `-${name}.port.grpc=${ports[2 * i + 1]}`,
    ]);
    const where = [`-dir=${folder}`, '-ip=127.0.0.1', '-ip.bind=127.0.0.1', VOLUMES];
    // These two listen on fixed ports otherwise: a second server on the machine could not start.
    const off = ['-s3.port.iceberg=0', '-s3.port.lance=0'];
    const args = ['server', ...where, ...off, '-s3', `-s3.config=${identities}`, ...flags];
    const env = { ...process.env, ...GROWTH };
    return { program, args, env, port: ports[6] ?? 0, folder, isReady: () => hasRoom(ports[0] ?? 0) };
  });

/** The S3 port answers before the volumes are there: a write that comes between waits for seconds, and may fail. */
async function hasRoom(master: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${master}/dir/status`);
  const { Topology } = (await answer.json()) as { Topology?: { Free?: number } };
  return (Topology?.Free ?? 0) > 0;
}
