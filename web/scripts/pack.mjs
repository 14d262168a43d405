// pack.mjs FOLDER: beside each file of the console its compressed form, made once and as small as it gets; the edge only sends it (gzip_static).
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const [folder] = process.argv.slice(2);
const LEAST = 256; // less isn't worth the header

for (const name of readdirSync(folder, { recursive: true })) {
  if (/\.(js|css|svg|html)$/.test(name)) {
    const bytes = readFileSync(join(folder, name));
    if (bytes.length >= LEAST) {
      writeFileSync(join(folder, `${name}.gz`), gzipSync(bytes, { level: 9, memLevel: 9 }));
    }
  }
}
