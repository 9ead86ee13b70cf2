// What TensorFlow.js answers for the models that we wrote, beside our own answers.
//
//   node run_tfjs.mjs NODE_MODULES FOLDER
//
// FOLDER/NAME/model.json is a model, FOLDER/NAME/case.json lists {"shape", "values"} of its inputs and
// of the outputs that we computed. Prints a line for each difference above 1e-5 of 1 + the number.

import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';

import { loadModel } from '../support/tfjs.mjs';

const [nodeModules, folder] = process.argv.slice(2);
const require = createRequire(path.join(path.resolve(nodeModules), 'x.js'));
const tf = require('@tensorflow/tfjs');
await tf.setBackend('cpu');

let bad = 0;
const names = fs.readdirSync(folder).sort();
for (const name of names) {
  try {
    const model = await loadModel(tf, path.join(folder, name, 'model.json'));
    const { inputs, outputs } = JSON.parse(fs.readFileSync(path.join(folder, name, 'case.json'), 'utf8'));
    const x = inputs.map((t) => tf.tensor(t.values, t.shape));
    const y = [model.predict(x.length === 1 ? x[0] : x)].flat();
    outputs.forEach((t, i) => {
      if (JSON.stringify(y[i].shape) !== JSON.stringify(t.shape)) throw new Error(`shape ${y[i].shape}, not ${t.shape}`);
      let worst = 0;
      y[i].dataSync().forEach((v, k) => {
        const error = Math.abs(v - t.values[k]) / (1 + Math.abs(t.values[k]));
        if (!(error <= worst)) worst = error;
      });
      if (!(worst <= 1e-5)) throw new Error(`output ${i} differs by ${worst}`);
    });
    model.dispose();
  } catch (e) {
    console.log(`${name}: ${String(e.message).slice(0, 300)}`);
    bad += 1;
  }
}
console.log(`${names.length} models, ${bad} complaints`);
process.exit(bad || names.length === 0 ? 1 : 0);
