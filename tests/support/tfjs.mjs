import fs from 'node:fs';
import path from 'node:path';

// A layers-model from its model.json and the weights beside it; `tf` is the package.
export async function loadModel(tf, file) {
  const json = JSON.parse(fs.readFileSync(file, 'utf8'));
  const shards = json.weightsManifest.flatMap((group) => group.paths);
  const bytes = Buffer.concat(shards.map((s) => fs.readFileSync(path.join(path.dirname(file), s))));
  return tf.loadLayersModel({
    load: async () => ({
      modelTopology: json.modelTopology,
      weightSpecs: json.weightsManifest.flatMap((group) => group.weights),
      weightData: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
    }),
  });
}
