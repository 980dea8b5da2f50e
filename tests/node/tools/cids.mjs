// Prints, as JSON, the root CIDs ipfs-car gives to the files and folders of recipes.mjs.
import { createDirectoryEncoderStream, createFileEncoderStream } from "ipfs-car";
import { content, files, folders } from "../recipes.mjs";

function fileLike(name, recipe) {
  const pieces = content(recipe);
  const pull = (controller) => {
    const { value, done } = pieces.next();
    if (done) controller.close();
    else controller.enqueue(new Uint8Array(value));
  };
  return { name, stream: () => new ReadableStream({ pull }) };
}

async function root(blocks) {
  let found;
  await blocks.pipeTo(
    new WritableStream({
      write: (block) => {
        found = block.cid;
      },
    }),
  );
  return found.toString();
}

const results = { files: {}, folders: {} };
for (const recipe of files) {
  results.files[recipe.join(" ")] = await root(createFileEncoderStream(fileLike("", recipe)));
}
for (const [name, entries] of Object.entries(folders)) {
  const sources = Object.entries(entries).map(([path, recipe]) => fileLike(path, recipe));
  results.folders[name] = await root(createDirectoryEncoderStream(sources));
}
console.log(JSON.stringify(results, null, 1));
