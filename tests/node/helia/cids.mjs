// Prints, as JSON, the root CIDs Helia gives to the contents of recipes.mjs.

import { unixfs } from "@helia/unixfs";
import { MemoryBlockstore } from "blockstore-core";
import { BlackHoleBlockstore } from "blockstore-core/black-hole";
import { importer } from "ipfs-unixfs-importer";
import { fixedSize } from "ipfs-unixfs-importer/chunker";
import { balanced } from "ipfs-unixfs-importer/layout";
import { content, files, folders, trees } from "../recipes.mjs";

async function* pieces(recipe) {
  yield* content(recipe);
}

async function last(source) {
  let found;
  for await (const item of source) found = item;
  return found.cid.toString();
}

const results = { files: {}, folders: {}, trees: {} };
for (const recipe of files) {
  const fs = unixfs({ blockstore: new BlackHoleBlockstore() });
  results.files[recipe.join(" ")] = (await fs.addByteStream(pieces(recipe))).toString();
}
for (const [name, entries] of Object.entries(folders)) {
  const fs = unixfs({ blockstore: new MemoryBlockstore() });
  const source = Object.entries(entries).map(([path, recipe]) => ({ path, content: pieces(recipe) }));
  results.folders[name] = await last(fs.addAll(source, { wrapWithDirectory: true }));
}
for (const [size, chunkSize, maxChildrenPerNode] of trees) {
  const options = {
    chunker: fixedSize({ chunkSize }),
    layout: balanced({ maxChildrenPerNode }),
    rawLeaves: true,
    cidVersion: 1,
  };
  results.trees[`${size} ${chunkSize} ${maxChildrenPerNode}`] = await last(
    importer([{ content: pieces(["hashes", size]) }], new MemoryBlockstore(), options),
  );
}
console.log(JSON.stringify(results, null, 1));
