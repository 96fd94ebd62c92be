/** The options of a benchmark. What is wrong with them ends the process in one line, before anything is measured or written. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { TeddyhubError } from '../../src/domain/errors.js';

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<T extends Options> = ReturnType<typeof parseArgs<{ options: T }>>['values'];

export function end(bench: string, problem: string): never {
  console.error(`${bench}: ${problem.replace(/\.$/, '')}.`);
  process.exit(1);
}

/** The values of a command line that has none but these options; `--help` lists them. Later on, named errors end in one line too. */
export function optionsOf<T extends Options>(bench: string, options: T): Values<T> {
  process.on('uncaughtException', (error) => {
    if (error instanceof TeddyhubError) end(bench, error.message);
    console.error(error);
    process.exit(1);
  });
  const names = Object.keys(options).map((name) => `--${name}`);
  const listed = names.length > 0 ? `its options are ${names.join(', ')}` : 'it takes no options';
  if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) {
    console.log(`npm run bench -- ${bench}: ${listed}; bench/${bench}.ts begins with what they mean.`);
    process.exit(0);
  }
  try {
    return parseArgs({ options }).values as Values<T>;
  } catch (error) {
    const [sentence] = (error as Error).message.split(/\. |\n/);
    return end(bench, `${sentence}; ${listed}`);
  }
}

/** The number from 1 up that an option is given. */
export const countOf = (bench: string, option: string, value: string): number =>
  /^[1-9]\d{0,8}$/.test(value) ? Number(value) : end(bench, `--${option} takes a number from 1 up, not ${value}`);

/** Those of `all` that the words between the commas of an option name, in the order of `all`. */
export function someOf<T extends string>(
  bench: string,
  option: string,
  value: string,
  all: readonly T[],
): readonly T[] {
  const words = value.split(',');
  const unknown = words.find((word) => !all.includes(word as T));
  if (unknown !== undefined) end(bench, `--${option} takes ${all.join(', ')}, not ${unknown}`);
  return all.filter((one) => words.includes(one));
}
