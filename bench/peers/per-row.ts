/** The page of runs through plain resolvers: every row asks for what belongs to it, as tutorials show it. */
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { PrismaPg } from '@prisma/adapter-pg';
import { buildSchema, type DocumentNode, execute, parse, validate } from 'graphql';
import { type DistillationRun, PrismaClient } from '../../src/platform/database/generated/client.js';

const schema = buildSchema(`
  type Query { runs(createdAt: String!, id: String!): [Run!]! }
  type Run { id: ID! name: String! state: String! labels: [String!]! createdAt: String! dataset: Named! teacherPool: Named!
    progress: Progress! bestEvaluation: Best }
  type Named { name: String! }
  type Progress { fraction: Float! }
  type Best { labelKind: String! seeds: Int! mean: Float! }
`);
// Hundreds of statements a page wait for ten connections: here they may wait for as long as they must.
const database = new PrismaClient({
  adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL, max: 10, connectionTimeoutMillis: 0 }),
});

class Run {
  constructor(private readonly row: DistillationRun) {
    Object.assign(this, { ...row, createdAt: row.createdAt.toISOString() });
  }

  dataset = () => database.dataset.findUniqueOrThrow({ where: { id: this.row.datasetId } });
  teacherPool = () => database.teacherPool.findUniqueOrThrow({ where: { id: this.row.poolId } });

  progress = async () => {
    if (this.row.state === 'SUCCEEDED') return { fraction: 1 };
    const tasks = await database.task.findMany({ where: { runId: this.row.id } });
    const shares = tasks.map(({ state, step, totalSteps }) =>
      state === 'SUCCEEDED' ? 1 : totalSteps > 0 ? Math.min(1, step / totalSteps) : 0,
    );
    return { fraction: shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length) };
  };

  bestEvaluation = async () => {
    const set = await database.distilledSet.findUnique({ where: { runId: this.row.id } });
    if (set === null) return null;
    const evaluations = await database.evaluation.findMany({ where: { distilledSetId: set.id, state: 'SUCCEEDED' } });
    const scores = await Promise.all(
      evaluations.map(async ({ id }) => {
        const results = await database.evaluationResult.findMany({
          where: { evaluationId: id, subject: 'DISTILLED_SET' },
        });
        const mean = results.reduce((sum, { top1Last }) => sum + top1Last, 0) / results.length;
        return { labelKind: results[0]?.labelKind ?? 'SOFT', seeds: results.length, mean };
      }),
    );
    return scores.sort((a, b) => b.mean - a.mean)[0] ?? null;
  };
}

const rootValue = {
  runs: async ({ createdAt, id }: { createdAt: string; id: string }) => {
    const at = new Date(createdAt);
    const rows = await database.distillationRun.findMany({
      where: {
        projectId: process.env.PROJECT_ID ?? '',
        archivedAt: null,
        createdAt: { lte: at },
        OR: [{ createdAt: { lt: at } }, { id: { lt: id } }],
      },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: 50,
    });
    return rows.map((row) => new Run(row));
  },
};

const documents = new Map<string, DocumentNode>();

const server = createServer(async (request, response) => {
  const { query, variables } = JSON.parse(await text(request)) as { query: string; variables: Record<string, unknown> };
  let document = documents.get(query);
  if (document === undefined) {
    document = parse(query);
    if (validate(schema, document).length > 0) throw new Error('not valid');
    documents.set(query, document);
  }
  const result = await execute({ schema, document, rootValue, variableValues: variables });
  response.writeHead(result.errors ? 500 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
});
server.listen(Number(process.env.PORT), '127.0.0.1', () => process.stdout.write('ready\n'));
