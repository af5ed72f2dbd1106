/** Entry point of the step. */

import { Runner } from './runner.js';
import { main } from './step.js';

void main(new Runner(process.env, (line) => process.stdout.write(`${line}\n`))).then((done) => {
  process.exitCode = done ? 0 : 1;
});
