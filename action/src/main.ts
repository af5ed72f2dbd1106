/** Entry point of the step. */

import { run } from './proxy.js';
import { Runner } from './runner.js';
import { main } from './step.js';

run(process.env, async () => {
  const done = await main(new Runner(process.env, (line) => process.stdout.write(`${line}\n`)));
  process.exitCode = done ? 0 : 1;
});
