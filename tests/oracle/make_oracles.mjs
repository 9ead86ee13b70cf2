// What TensorFlow.js answers for the models of tests/oracle/README.md, stored as answers/*.npy and
// listed in manifest.json.
//
//   node make_oracles.mjs MODELS NODE_MODULES
//
// MODELS is the folder that scripts/fetch-models.sh fills, NODE_MODULES that of
// scripts/fetch-node-packages.sh.

import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { loadModel } from '../support/tfjs.mjs';

const [models, nodeModules] = process.argv.slice(2);
if (!nodeModules) throw new Error('usage: node make_oracles.mjs MODELS NODE_MODULES');
const require = createRequire(path.join(path.resolve(nodeModules), 'x.js'));
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
const here = path.dirname(fileURLToPath(import.meta.url));

// The custom layers of esrgan-thick, as the package itself defines them.
class MultiplyBeta extends tf.layers.Layer {
  static className = 'MultiplyBeta';
  call(inputs) {
    return tf.mul(Array.isArray(inputs) ? inputs[0] : inputs, 0.2);
  }
}
tf.serialization.registerClass(MultiplyBeta);
for (const scale of [2, 3, 4, 8]) {
  class PixelShuffle extends tf.layers.Layer {
    static className = `PixelShuffle${scale}x`;
    computeOutputShape([n, h, w]) {
      return [n, h && h * scale, w && w * scale, 3];
    }
    call(inputs) {
      return tf.depthToSpace(Array.isArray(inputs) ? inputs[0] : inputs, scale, 'NHWC');
    }
  }
  tf.serialization.registerClass(PixelShuffle);
}

// The picture that README.md defines: slopes with edges and some noise, integers 0 to 255.
function picture(height, width) {
  const out = new Float32Array(height * width * 3);
  for (let i = 0; i < out.length; ++i) {
    const c = i % 3, x = Math.floor(i / 3) % width, y = Math.floor(i / 3 / width);
    let h = Math.imul(i + 1, 2654435761);
    h = Math.imul(h ^ (h >>> 15), 2246822519);
    h = Math.imul(h ^ (h >>> 13), 3266489917);
    out[i] = (7 * x + 11 * y + 60 * c + (((h ^ (h >>> 16)) >>> 0) & 31)) & 255;
  }
  return out;
}

function writeNpy(file, shape, values) {
  const tuple = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
  const header = `{'descr': '<f4', 'fortran_order': False, 'shape': ${tuple}, }`;
  const padded = header.padEnd(Math.ceil((10 + header.length + 1) / 64) * 64 - 11) + '\n';
  const size = Buffer.alloc(2);
  size.writeUInt16LE(padded.length);
  const magic = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  const data = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  fs.writeFileSync(file, Buffer.concat([magic, size, Buffer.from(padded, 'latin1'), data]));
}

// Height and width: odd, taller than wide and the reverse, a single column. Smaller where the
// answer is larger.
const small = [[13, 17], [9, 16], [9, 1]];
const cases = [
  { package: 'default-model', model: 'models/model.json', scale: 2, sizes: [[13, 17], [31, 24], [9, 1]] },
  { package: 'esrgan-medium', model: 'models/x2/model.json', scale: 2, sizes: [[13, 17], [31, 24], [9, 1]] },
  { package: 'esrgan-medium', model: 'models/x3/model.json', scale: 3, sizes: small },
  { package: 'esrgan-medium', model: 'models/x4/model.json', scale: 4, sizes: small },
  { package: 'esrgan-medium', model: 'models/x8/model.json', scale: 8, sizes: [[7, 11], [9, 1]] },
  { package: 'esrgan-thick', model: 'models/x2/model.json', scale: 2, divide: 255, sizes: small },
  { package: 'esrgan-thick', model: 'models/x4/model.json', scale: 4, divide: 255, sizes: small },
];

wasm.setWasmPaths(path.join(path.resolve(nodeModules), '@tensorflow/tfjs-backend-wasm/dist/'));
await tf.setBackend('wasm');
await tf.ready();
fs.mkdirSync(path.join(here, 'answers'), { recursive: true });
const entries = [];
for (const { package: name, model: file, scale, divide = 1, sizes } of cases) {
  const model = await loadModel(tf, path.join(models, name, file));
  for (const [height, width] of sizes) {
    const values = picture(height, width).map((v) => v / divide);
    const input = tf.tensor4d(values, [1, height, width, 3]);
    const answer = model.predict(input);
    const output = `answers/${name}_x${scale}_${height}x${width}.npy`;
    const numbers = await answer.data();
    if (!numbers.every(Number.isFinite)) throw new Error(`${output}: not all numbers are finite`);
    writeNpy(path.join(here, output), answer.shape, numbers);
    console.log(output, answer.shape.join('x'), 'from', Math.min(...numbers), 'to', Math.max(...numbers));
    entries.push({ package: name, model: file, scale, divide, height, width, output });
    tf.dispose([input, answer]);
  }
  model.dispose();
}
const lines = entries.map((entry) => '    ' + JSON.stringify(entry)).join(',\n');
fs.writeFileSync(path.join(here, 'manifest.json'),
  `{\n  "tfjs": "${tf.version.tfjs}",\n  "backend": "${tf.getBackend()}",\n  "answers": [\n${lines}\n  ]\n}\n`);
