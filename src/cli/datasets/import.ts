/** Starts an import, follows it to its end, and prints what became of it. */
import { setTimeout as wait } from 'node:timers/promises';
import {
  type DatasetImportInput,
  type DatasetQuery,
  operations,
  type Teddyhub,
} from '../../../clients/typescript/src/index.js';
import { TeddyhubError } from '../../domain/errors.js';
import { startPhase } from '../quickstart/progress.js';
import { printable } from '../support/printable.js';

type Imported = NonNullable<DatasetQuery['dataset']>;

const POLL_MS = 500;
/** Lines of a report that a terminal is given; --json has more. */
const SHOWN = 20;

export async function runImport(
  client: Teddyhub,
  input: Omit<DatasetImportInput, 'idempotencyKey'>,
  json: boolean,
): Promise<void> {
  const { dataset } = await client.mutate(operations.ImportDataset, input);
  if (dataset === null) throw new TeddyhubError('INTERNAL', 'The service imported nothing.');
  const done = await follow(client, dataset.id);
  if (json) console.log(JSON.stringify(done));
  else for (const line of linesOf(done)) console.log(printable(line));
}

async function follow(client: Teddyhub, id: string): Promise<Imported> {
  const phase = startPhase('import');
  try {
    for (;;) {
      const { dataset } = await client.query(operations.Dataset, { id });
      if (dataset === null) throw new TeddyhubError('NOT_FOUND', 'The dataset is gone.');
      if (dataset.state === 'READY') {
        phase.done();
        return dataset;
      }
      if (dataset.state === 'FAILED') {
        throw new TeddyhubError('BAD_INPUT_FILE', dataset.failure?.message ?? 'The import failed.');
      }
      phase.update(dataset.progress.fraction);
      await wait(POLL_MS);
    }
  } catch (error) {
    phase.abandon();
    throw error;
  }
}

function* linesOf(dataset: Imported): Generator<string> {
  const { imageShape: shape, classNames } = dataset;
  yield `${dataset.name}  ${dataset.id}`;
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
