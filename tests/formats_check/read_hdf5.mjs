// Reads HDF5 files with h5wasm or jsfive and compares with what our own reader finds.
//
//   node read_hdf5.mjs NODE_MODULES h5wasm|jsfive MANIFEST.json
//
// The manifest is {path of a file: listing}; tests/support/hdf5_listing.h says what a listing is. Prints
// a line for each file that is read otherwise, and exits 1 if there is any.

import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [nodeModules, reader, manifest] = process.argv.slice(2);
const load = (file) => import(pathToFileURL(path.resolve(nodeModules, file)).href);

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; ++k) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n;
});
function crc32(bytes) {
  let c = ~0;
  for (const byte of bytes) c = table[(c ^ byte) & 255] ^ (c >>> 8);
  return ~c >>> 0;
}

const ofNumbers = (values) => crc32(new Uint8Array(Float32Array.from(values, Number).buffer));
const ofStrings = (strings) => crc32(Buffer.from(strings.map((s) => `${s}\n`).join('')));
const texts = /^(keras_version|backend|model_config|training_config|name|(layer|weight)_names\d*)$/;

// jsfive leaves the padding of fixed strings where it is.
const unpadded = (v) => (typeof v === 'string' ? v.replace(/\0+$/, '') : v);
function list(value) {
  if (typeof value === 'string') return [unpadded(value)];
  return [...(value ?? [])].map(unpadded);
}

// One object; `value` of an attribute by its name.
function rowsOf(name, isGroup, object, attributes, value) {
  const rows = [[name || '/', isGroup ? null : list(object.shape), isGroup ? null : ofNumbers(numbers(object.value))]];
  for (const attribute of attributes.filter((a) => texts.test(a))) {
    const strings = list(value(attribute));
    rows.push([`${name || '/'}@${attribute}`, strings.length, ofStrings(strings)]);
  }
  return rows;
}
const numbers = (value) => (typeof value === 'object' ? value : [value]);

const readers = {
  h5wasm: async () => {
    const h5wasm = (await load('h5wasm/dist/node/hdf5_hl.js')).default;
    await h5wasm.ready;
    return (file) => {
      const h5 = new h5wasm.File(file, 'r');
      const rows = [];
      const todo = [['', h5]];
      while (todo.length > 0) {
        const [name, object] = todo.pop();
        const isGroup = !(object instanceof h5wasm.Dataset);
        rows.push(...rowsOf(name, isGroup, object, Object.keys(object.attrs), (a) => object.attrs[a].value));
        if (isGroup) for (const key of object.keys()) todo.push([`${name}/${key}`, object.get(key)]);
      }
      h5.close();
      return rows;
    };
  },
  jsfive: async () => {
    const jsfive = await load('jsfive/dist/esm/index.mjs');
    return (file) => {
      const bytes = fs.readFileSync(file);
      const all = new jsfive.File(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
      const rows = [];
      const todo = [['', all]];
      while (todo.length > 0) {
        const [name, object] = todo.pop();
        const isGroup = object instanceof jsfive.Group;
        rows.push(...rowsOf(name, isGroup, object, Object.keys(object.attrs), (a) => object.attrs[a]));
        if (isGroup) for (const key of object.keys) todo.push([`${name}/${key}`, object.get(key)]);
      }
      return rows;
    };
  },
};

const read = await readers[reader]();
const files = Object.entries(JSON.parse(fs.readFileSync(manifest, 'utf8')));
let bad = 0;
let count = 0;
for (const [file, ours] of files) {
  const key = ([name, shape, crc]) => [name, JSON.stringify([shape, crc])];
  const a = new Map(ours.map(key));
  let b = new Map();
  try {
    b = new Map(read(file).map(key));
  } catch (e) {
    console.log(`${file}: ${e.stack}`);
  }
  count += b.size;
  const different = [...new Set([...a.keys(), ...b.keys()])].filter((name) => a.get(name) !== b.get(name));
  if (different.length > 0) {
    const shown = different.slice(0, 3).map((name) => `${name}: ${a.get(name)}, not ${b.get(name)}`);
    console.log(`${file}: ${shown.join('; ')}`);
    bad += 1;
  }
}
console.log(`${files.length} files, ${count} rows, ${bad} complaints`);
process.exit(bad > 0 || count === 0 ? 1 : 0);
