/** The SQL statements that this process sends, wherever it sends them from. */
import pg from 'pg';

export interface Statement {
  text: string;
  values: unknown[];
}

/** Runs `work` and answers the statements that were sent meanwhile, by other parts of the process as well. */
export async function recordStatements(work: () => Promise<unknown>): Promise<Statement[]> {
  const { prototype } = pg.Client;
  const { query: original } = prototype;
  const statements: Statement[] = [];
  prototype.query = function recorded(this: pg.Client, ...args: unknown[]) {
    const [first, second] = args;
    const { text, values } = (typeof first === 'string' ? { text: first, values: second } : first) as Statement;
    statements.push({ text, values: Array.isArray(values) ? values : [] });
    return Reflect.apply(original, this, args);
  } as typeof original;
  try {
    await work();
  } finally {
    prototype.query = original;
  }
  return statements;
}

/** Runs `work`; once a transaction has been committed meanwhile, statements whose text matches fail as if the server went away. */
export async function whileLostAfterCommit<T>(lost: RegExp, work: () => Promise<T>): Promise<T> {
  const { prototype } = pg.Client;
  const { query: original } = prototype;
  let committed = false;
  prototype.query = function losing(this: pg.Client, ...args: unknown[]) {
    const [first] = args;
    const text = typeof first === 'string' ? first : (first as Statement).text;
    if (committed && lost.test(text)) {
      return Promise.reject(Object.assign(new Error('terminating connection'), { code: '57P01' }));
    }
    committed ||= /^COMMIT/i.test(text);
    return Reflect.apply(original, this, args);
  } as typeof original;
  try {
    return await work();
  } finally {
    prototype.query = original;
  }
}
