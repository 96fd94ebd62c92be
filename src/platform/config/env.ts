/** The service's configuration, read from the environment once, at boot: one line per mistake. */
import { z } from 'zod';
import { TeddyhubError } from '../../domain/errors.js';
import { isOfOtherSchema, OTHER_SCHEMA } from '../database/schema.js';

/** '' means unset, as in compose files. */
const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === '' ? undefined : value), schema.optional());
const integer = (fallback: number, min: number, max: number, what = 'a whole number') => {
  const error = `must be ${what} from ${min} to ${max}`;
  const fits = (value: number) => Number.isSafeInteger(value) && value >= min && value <= max;
  return z.preprocess(
    (value) => (value === '' ? undefined : value),
    z.coerce.number({ error }).refine(fits, { error }).default(fallback),
  );
};
const choice = <const T extends readonly [string, ...string[]]>(values: T, fallback: T[number]) =>
  z.preprocess((value) => (value === '' ? undefined : value), z.enum(values).default(fallback));
const url = (...protocols: string[]) =>
  z.string().refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol), {
    message: `must be a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  });

/** Origins as browsers send them: no path, no slash at the end. */
const origins = z
  .string()
  .transform((value) =>
    value
      .split(',')
      .map((one) => one.trim())
      .filter(Boolean),
  )
  .refine((all) => all.every((one) => one === '*' || (URL.canParse(one) && new URL(one).origin === one)), {
    message: 'must be origins with commas between them, such as https://dashboard.example.com, or *',
  });

/** What says something of an S3 store, and nothing of the folder that takes its place without S3_ENDPOINT. */
const OF_S3 = ['S3_PUBLIC_ENDPOINT', 'S3_BUCKET', 'S3_ACCESS_KEY', 'S3_SECRET_KEY', 'S3_REGION', 'S3_CA_FILE'] as const;

const schema = z
  .object({
    NODE_ENV: choice(['development', 'production', 'test'], 'development'),
    // A name of our own: shells and package managers (tcsh, conda) export HOST as the name of the machine.
    TEDDYHUB_HOST: optional(z.string()),
    PORT: integer(4000, 0, 65_535, 'a port, a whole number'),
    TEDDYHUB_PUBLIC_URL: optional(url('http:', 'https:')),
    TEDDYHUB_ALLOWED_ORIGINS: optional(origins),
    LOG_LEVEL: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
    TEDDYHUB_STATE_DIR: optional(z.string()),
    DATABASE_URL: optional(
      url('postgres:', 'postgresql:').refine((value) => !isOfOtherSchema(value), { message: OTHER_SCHEMA }),
    ),
    S3_ENDPOINT: optional(url('http:', 'https:')),
    S3_PUBLIC_ENDPOINT: optional(url('http:', 'https:')),
    S3_BUCKET: optional(z.string().regex(/^[a-z0-9][a-z0-9.-]{2,62}$/, 'must be a bucket name of 3 to 63 characters')),
    S3_ACCESS_KEY: optional(z.string()),
    S3_SECRET_KEY: optional(z.string()),
    S3_REGION: optional(z.string()),
    S3_PATH_STYLE: choice(['true', 'false'], 'true'),
    S3_CA_FILE: optional(z.string()),
    TEDDYHUB_IMPORT_ROOT: optional(z.string()),
    TEDDYHUB_WORKERS: integer(1, 0, 64),
    TEDDYHUB_SCRATCH_DIR: optional(z.string()),
    TEDDYHUB_SHARD_CACHE_BYTES: integer(20 * 2 ** 30, 0, Number.MAX_SAFE_INTEGER),
    TEDDYHUB_RATE_LIMIT: integer(600_000, 0, 2 ** 31 - 1),
    TEDDYHUB_REQUEST_SECONDS: integer(30, 1, 600),
    TEDDYHUB_SOCKETS_PER_KEY: integer(100, 1, 100_000),
    TEDDYHUB_PING_SECONDS: integer(12, 1, 300),
    TEDDYHUB_DOCUMENTS: choice(['any', 'trusted'], 'any'),
  })
  .superRefine((env, context) => {
    if (env.S3_ENDPOINT === undefined) {
      // Each process would quietly take a folder of its own machine.
      for (const name of OF_S3) {
        if (env[name] !== undefined)
          context.addIssue({ code: 'custom', path: [name], message: 'is of no use without S3_ENDPOINT' });
      }
      return;
    }
    for (const name of ['S3_ENDPOINT', 'S3_PUBLIC_ENDPOINT'] as const) {
      if (env[name] === undefined) continue;
      const { pathname, search } = new URL(env[name]);
      if (pathname !== '/' || search !== '')
        context.addIssue({ code: 'custom', path: [name], message: 'is an address, without a path' });
    }
    for (const name of ['S3_BUCKET', 'S3_ACCESS_KEY', 'S3_SECRET_KEY'] as const) {
      if (env[name] === undefined)
        context.addIssue({ code: 'custom', path: [name], message: 'is needed when S3_ENDPOINT is set' });
    }
  });

export type ObjectStoreConfig =
  | { kind: 'folder'; path: string }
  | {
      kind: 's3';
      endpoint: string;
      /** Where clients reach the store; presigned URLs are signed for it. */
      publicEndpoint: string;
      bucket: string;
      accessKey: string;
      secretKey: string;
      region: string;
      /** The bucket is the first part of the path, and not of the host name. */
      pathStyle: boolean;
      /** PEM of the authorities that sign the endpoints' certificates; null: those that Node trusts. */
      caFile: string | null;
    };

export interface Config {
  production: boolean;
  host: string;
  port: number;
  /** Where clients reach the service, without a slash at the end; undefined: where their requests say that they went. */
  publicUrl: string | undefined;
  /** Whose pages a browser lets speak to the service beside its own; '*': all. */
  allowedOrigins: readonly string[];
  logLevel: string;
  /** Where embedded mode keeps its state. */
  stateDir: string;
  /** Undefined: an embedded PostgreSQL under `stateDir`. */
  databaseUrl: string | undefined;
  objectStore: ObjectStoreConfig;
  /** Imports read files below this folder only. */
  importRoot: string;
  /** Supervisors that `teddyhub up` starts beside the API. */
  workers: number;
  /** Where workers put what does not fit into memory, as an import's decoded images: as large as the dataset. */
  scratchDir: string;
  /** Where workers keep dataset shards that they read from S3, and how many bytes of them. Null: nowhere. */
  shardCache: { folder: string; maxBytes: number } | null;
  limits: RequestLimits;
}

/** What clients may ask of one API process. */
export interface RequestLimits {
  /** Points of cost a minute and key; 0: no limit. */
  pointsPerMinute: number;
  /** After which a request and its statements are given up. */
  requestMs: number;
  socketsPerKey: number;
  /** How often a socket must give a sign of life. */
  pingMs: number;
  /** Whether only the documents of our own clients run. */
  trustedDocumentsOnly: boolean;
}

/** The names of all that is read here. */
export const CONFIGURATION: readonly string[] = Object.keys(schema.shape);

/** Throws BAD_CONFIGURATION with one line per mistake. */
export function readConfig(env: NodeJS.ProcessEnv, directory: string): Config {
  const parsed = schema.safeParse(env);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new TeddyhubError('BAD_CONFIGURATION', lines.join('\n'));
  }
  const values = parsed.data;
  const stateDir = values.TEDDYHUB_STATE_DIR ?? `${directory}/.teddyhub`;
  const objectStore = objectStoreOf(values, stateDir);
  const maxBytes = values.TEDDYHUB_SHARD_CACHE_BYTES;
  return {
    production: values.NODE_ENV === 'production',
    host: values.TEDDYHUB_HOST ?? '127.0.0.1',
    port: values.PORT,
    publicUrl: values.TEDDYHUB_PUBLIC_URL?.replace(/\/+$/, ''),
    allowedOrigins: values.TEDDYHUB_ALLOWED_ORIGINS ?? [],
    logLevel: values.LOG_LEVEL,
    stateDir,
    databaseUrl: values.DATABASE_URL,
    objectStore,
    importRoot: values.TEDDYHUB_IMPORT_ROOT ?? (values.NODE_ENV === 'production' ? `${stateDir}/imports` : '/'),
    workers: values.TEDDYHUB_WORKERS,
    scratchDir: values.TEDDYHUB_SCRATCH_DIR ?? `${stateDir}/scratch`,
    shardCache: objectStore.kind === 's3' && maxBytes > 0 ? { folder: `${stateDir}/shards`, maxBytes } : null,
    limits: {
      pointsPerMinute: values.TEDDYHUB_RATE_LIMIT,
      requestMs: values.TEDDYHUB_REQUEST_SECONDS * 1000,
      socketsPerKey: values.TEDDYHUB_SOCKETS_PER_KEY,
      pingMs: values.TEDDYHUB_PING_SECONDS * 1000,
      trustedDocumentsOnly: values.TEDDYHUB_DOCUMENTS === 'trusted',
    },
  };
}

function objectStoreOf(values: z.infer<typeof schema>, stateDir: string): ObjectStoreConfig {
  const { S3_ENDPOINT: endpoint, S3_BUCKET: bucket, S3_ACCESS_KEY: accessKey, S3_SECRET_KEY: secretKey } = values;
  if (endpoint === undefined || bucket === undefined || accessKey === undefined || secretKey === undefined) {
    return { kind: 'folder', path: `${stateDir}/objects` };
  }
  const publicEndpoint = values.S3_PUBLIC_ENDPOINT ?? endpoint;
  return {
    kind: 's3',
    endpoint,
    publicEndpoint,
    bucket,
    accessKey,
    secretKey,
    region: values.S3_REGION ?? 'us-east-1',
    pathStyle: values.S3_PATH_STYLE === 'true',
    caFile: values.S3_CA_FILE ?? null,
  };
}
