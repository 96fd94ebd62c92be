/** What datasets there are, and what became of one. */
import { type DatasetQuery, operations } from '../../../clients/typescript/src/index.js';
import { TeddyhubError } from '../../domain/errors.js';
import { PAGE, readAll } from '../support/pages.js';
import { printable } from '../support/printable.js';
import { type ServiceOptions, withClient } from '../support/service.js';

export type ShownDataset = NonNullable<DatasetQuery['dataset']>;
type Options = ServiceOptions & { json?: boolean };

/** Lines of a report that a terminal is given; --json has more. */
const SHOWN = 20;

export async function listDatasets({ json, ...service }: Options): Promise<void> {
  const rows = await withClient(service, (client, signal) =>
    readAll(async (after) => (await client.query(operations.Datasets, { first: PAGE, after }, signal)).datasets),
  );
  if (json) return console.log(JSON.stringify(rows));
  if (rows.length === 0) console.error('There are no datasets yet.');
  for (const { id, state, trainCount, testCount, archivedAt, name } of rows) {
    const images = state === 'READY' ? `${trainCount} + ${testCount} images` : '';
    const line = [id, (archivedAt ? 'ARCHIVED' : state).padEnd(9), images.padEnd(22), name].join('  ');
    console.log(printable(line));
  }
}

export async function showDataset(id: string, { json, ...service }: Options): Promise<void> {
  const { dataset } = await withClient(service, (client, signal) => client.query(operations.Dataset, { id }, signal));
  if (!dataset) {
    throw new TeddyhubError('NOT_FOUND', `There is no dataset with the id ${id}: see teddyhub datasets list.`);
  }
  if (json) console.log(JSON.stringify(dataset));
  else for (const line of linesOf(dataset)) console.log(printable(line));
}

export function* linesOf(dataset: ShownDataset): Generator<string> {
  const { state, failure, progress } = dataset;
  yield `${dataset.name}  ${dataset.id}`;
  if (state === 'IMPORTING') yield `  ${state}, ${Math.round(100 * progress.fraction)} %`;
  else if (state === 'FAILED') yield `  ${state}: ${failure?.message ?? 'no reason is kept'}`;
  else yield* contentOf(dataset);
}

function* contentOf(dataset: ShownDataset): Generator<string> {
  const { imageShape: shape, classNames } = dataset;
  yield `  ${dataset.trainCount} + ${dataset.testCount} images, ${shape?.height}x${shape?.width}x${shape?.channels}, ${classNames.length} classes`;
  yield `  classes (${String(dataset.classOrder).toLowerCase()}): ${classNames.slice(0, 10).join(', ')}${classNames.length > 10 ? ', ...' : ''}`;
  yield `  layout ${dataset.layout ?? 'none'}; ${dataset.contentDigest}`;
  yield* listed(
    `${dataset.skippedCount} records skipped`,
    dataset.skippedRecords.map(({ record, reason }) => `${record}: ${reason}`),
  );
  yield* listed(
    `${dataset.duplicateCount} images are there twice`,
    dataset.duplicates.map(
      ({ record, sameAs, acrossSplits, acrossClasses }) =>
        `${record} is ${sameAs}${acrossSplits ? ', in the other split' : ''}${acrossClasses ? ', in another class' : ''}`,
    ),
  );
}

function* listed(title: string, lines: readonly string[]): Generator<string> {
  yield `  ${title}${lines.length === 0 ? '' : ':'}`;
  for (const line of lines.slice(0, SHOWN)) yield `    ${line}`;
  if (lines.length > SHOWN) yield '    ...';
}
