/** `teddyhub sets`: what is published, what is in it, and tokens to read it. */
import { randomUUID } from 'node:crypto';
import { Command, Option } from 'commander';
import { type DistilledSetsQuery, operations, type Teddyhub } from '../../clients/typescript/src/index.js';
import { TeddyhubError } from '../domain/errors.js';
import { PAGE, readAll } from './support/pages.js';
import { publishSet } from './support/publish.js';
import { openClient, type ServiceOptions, withClient, withService } from './support/service.js';
import { showOnce } from './support/show-once.js';
import { sizeOf } from './support/size.js';

type SetRow = DistilledSetsQuery['distilledSets']['nodes'][number];
type Options = ServiceOptions & { json?: boolean };

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const DAY_SECONDS = 86_400;
const LEAST_SECONDS = 60;

export function setsCommand(): Command {
  const sets = new Command('sets').description('list, show and share distilled sets');
  withService(sets.command('list'))
    .description('the distilled sets of the project, newest first')
    .addOption(new Option('--state <state>', 'only these').choices(['STAGING', 'PUBLISHED', 'ARCHIVED']))
    .option('--json', 'as JSON')
    .action(async ({ state, json, ...service }: Options & { state?: SetRow['state'] }) => {
      const rows = await withClient(service, (client, signal) => readRows(client, state ?? null, signal));
      if (json) return console.log(JSON.stringify(rows));
      if (rows.length === 0) {
        console.error(state ? `There is no distilled set that is ${state}.` : 'There are no distilled sets yet.');
      }
      for (const row of rows) console.log(lineOf(row));
    });
  withService(sets.command('show'))
    .description('one distilled set: its files, labels and tokens')
    .argument('<id>', 'its id')
    .option('--json', 'as JSON')
    .action(async (id: string, { json, ...service }: Options) => {
      const set = await withClient(service, (client, signal) => readOne(client, id, signal));
      console.log(json ? JSON.stringify(set) : describe(set));
    });
  withService(sets.command('publish'))
    .description('serve a set to trainers; it cannot be changed after that')
    .argument('<id>', 'its id')
    .option('--json', 'as JSON')
    .action(async (id: string, { json, ...service }: Options) => {
      const { client } = await openClient(service);
      try {
        const distilledSet = await publishSet(client, globalIdOf(id));
        console.log(json ? JSON.stringify(distilledSet) : `${distilledSet?.uuid} is ${distilledSet?.state}`);
      } finally {
        await client.close();
      }
    });
  withService(sets.command('token'))
    .description('make a token that reads one set and nothing else; it is shown this once')
    .argument('<id>', 'the id of the set')
    .requiredOption('--name <name>', 'what it is for: a training job, say')
    .option('--days <days>', 'after which it expires', readDays, 7)
    .option('--json', 'as JSON')
    .action(async (id: string, { name, days, json, ...service }: Options & { name: string; days: number }) => {
      const made = await withClient(service, (client, signal) => {
        const seconds = Math.round(days * DAY_SECONDS);
        const input = { distilledSetId: globalIdOf(id), name, seconds, idempotencyKey: randomUUID() };
        return client.mutate(operations.ShareDistilledSet, input, signal);
      });
      const { secret, token } = made;
      const prefix = token?.prefix ?? secret?.split('_')[1];
      const advice = `revoke the token ${prefix} (distilledSetTokenRevoke) and make another`;
      // Its repetition is not answered with the secret again.
      if (!secret) throw new TeddyhubError('UNAVAILABLE', `The answer with the token was lost: ${advice}.`);
      await showOnce(json ? JSON.stringify({ secret, ...token }) : secret, advice);
    });
  withService(sets.command('revoke-token'))
    .description('end a token at once')
    .argument('<prefix>', 'the part after tht_, as `sets show` has it')
    .action(async (prefix: string, service: ServiceOptions) => {
      const input = { prefix: prefix.replace(/^tht_/, '').replace(/_.*$/, '') };
      await withClient(service, (client, signal) => client.mutate(operations.RevokeDistilledSetToken, input, signal));
      console.log(`Token ${input.prefix} is revoked.`);
    });
  return sets;
}

const readRows = (client: Teddyhub, state: SetRow['state'] | null, signal: AbortSignal): Promise<SetRow[]> =>
  readAll(async (after) => {
    const variables = { first: PAGE, after, states: state && [state] };
    return (await client.query(operations.DistilledSets, variables, signal)).distilledSets;
  });

async function readOne(client: Teddyhub, id: string, signal: AbortSignal) {
  const { distilledSet } = await client.query(operations.DistilledSetDetails, { id: globalIdOf(id) }, signal);
  if (distilledSet) return distilledSet;
  throw new TeddyhubError('NOT_FOUND', `There is no distilled set with the id ${id}: see teddyhub sets list.`);
}

/** Of a UUID, as manifests and URLs have it. */
const globalIdOf = (id: string): string =>
  UUID.test(id) ? Buffer.from(`DistilledSet:${id.toLowerCase()}`).toString('base64url') : id;

const lineOf = ({ uuid, state, imagesPerClass, sampleCount, digest, name }: SetRow): string =>
  [
    uuid,
    state.padEnd(9),
    `IPC ${imagesPerClass}`.padEnd(8),
    `${sampleCount} samples`.padEnd(14),
    digest.slice(0, 19),
    name,
  ].join('  ');

function describe(set: Awaited<ReturnType<typeof readOne>>): string {
  const lists = [set.shards, ...set.labelSets.map((labels) => labels.files)];
  const count = lists.reduce((sum, { totalCount }) => sum + totalCount, 0);
  const listed = lists.flatMap(({ nodes }) => nodes);
  const size = sizeOf(listed.reduce((sum, { bytes }) => sum + Number(bytes), 0));
  const files = `${count} files of ${count > listed.length ? 'more than ' : ''}${size}`;
  const line = (name: string, value: string | number | null | undefined) => `${name.padEnd(15)}${value ?? '-'}`;
  const others = (name: string, { totalCount, nodes }: { totalCount: number; nodes: readonly unknown[] }) =>
    totalCount > nodes.length ? [line(name, `and ${totalCount - nodes.length} more`)] : [];
  return [
    line('name', set.name),
    line('id', set.uuid),
    line('state', set.state),
    line('digest', set.digest),
    line('size', `${set.sampleCount} samples, IPC ${set.imagesPerClass}, ${files}`),
    line('published', set.publishedAt),
    line('archived', set.archivedAt),
    ...(set.deleteAfter ? [line('deleted', `for good after ${set.deleteAfter}`)] : []),
    line('run', set.distillationRun.name),
    line('manifest', set.manifestUrl),
    ...set.shards.nodes.map(({ name, bytes, samples }) =>
      line('shard', `${name}  ${sizeOf(Number(bytes))}  ${samples} samples`),
    ),
    ...others('shard', set.shards),
    ...set.labelSets.flatMap(({ mode, files: labels }) => [
      ...labels.nodes.map(({ name, bytes }) => line(`${mode} labels`, `${name}  ${sizeOf(Number(bytes))}`)),
      ...others(`${mode} labels`, labels),
    ]),
    ...set.tokens.nodes.map(({ prefix, name, expiresAt, revokedAt }) =>
      line('token', `tht_${prefix}_...  ${revokedAt ? `revoked ${revokedAt}` : `until ${expiresAt}`}  ${name}`),
    ),
    ...others('token', set.tokens),
  ].join('\n');
}

function readDays(text: string): number {
  const days = Number(text);
  if (days * DAY_SECONDS >= LEAST_SECONDS && days <= 366) return days;
  throw new TeddyhubError('INVALID_INPUT', `--days: ${text} is not a number of days from a minute (.0007) to 366.`);
}
