/** A second real S3 server: the gateway of JuiceFS, which takes requests with the code of MinIO. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts, KEYS, newFolder, programOf, type S3Server, startS3Server } from './s3-server.js';

export const startJuicefs = (): Promise<S3Server> =>
  startS3Server(async () => {
    const program = programOf('juicefs');
    const folder = await newFolder();
    const database = `sqlite3://${join(folder, 'meta.db')}`;
    const cache = ['--cache-dir', join(folder, 'cache')];
    await promisify(execFile)(program, [
      ...['format', '--storage', 'file', '--bucket', `${join(folder, 'blocks')}/`, database, 'tests'],
    ]);
    const [port = 0, metrics = 0] = await freePorts(2);
    const env = { ...process.env, MINIO_ROOT_USER: KEYS.accessKey, MINIO_ROOT_PASSWORD: KEYS.secretKey };
    const flags = ['--multi-buckets', '--keep-etag', '--object-meta', '--metrics', `127.0.0.1:${metrics}`, ...cache];
    const args = ['gateway', ...flags, '--no-usage-report', database, `127.0.0.1:${port}`];
    return { program, args, env, port, folder };
  });
