/** Entry point of what runs when the job ends. */

import { run } from './proxy.js';
import { Runner } from './runner.js';
import { post } from './step.js';

run(process.env, () => post(new Runner(process.env, (line) => process.stdout.write(`${line}\n`))));
