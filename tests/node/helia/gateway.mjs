// A Helia node without a network, behind a trustless gateway on loopback. Prints its base URL.
//
//   GET  /ipfs/<cid>?format=raw|car&…    the gateway
//   GET  /files/<cid>/<path>             the bytes of a file, as Helia reads them
//   POST /car                            adds the blocks of a CAR
//   POST /folders/<name>                 adds a folder of recipes.mjs and answers its root
import http from "node:http";
import { car } from "@helia/car";
import { unixfs } from "@helia/unixfs";
import { createVerifiedFetch } from "@helia/verified-fetch";
import { CarReader } from "@ipld/car";
import { createHelia } from "helia";
import { CID } from "multiformats/cid";
import { content, folders } from "../recipes.mjs";

const helia = await createHelia({ start: false });
const fs = unixfs(helia);
const fetch = await createVerifiedFetch(helia);
const accepts = { raw: "application/vnd.ipld.raw", car: "application/vnd.ipld.car" };

async function* pieces(recipe) {
  yield* content(recipe);
}

async function addFolder(name) {
  const source = Object.entries(folders[name]).map(([path, recipe]) => ({ path, content: pieces(recipe) }));
  let last;
  for await (const item of fs.addAll(source, { wrapWithDirectory: true })) last = item;
  return last.cid.toString();
}

async function gateway(url, response) {
  const query = new URLSearchParams(url.searchParams);
  const headers = { accept: accepts[query.get("format")] };
  query.delete("format");
  const answer = await fetch(`ipfs://${url.pathname.slice("/ipfs/".length)}?${query}`, { headers, offline: true });
  response.writeHead(answer.status === 412 ? 404 : answer.status, { "content-type": headers.accept });
  if (answer.body) for await (const piece of answer.body) response.write(piece);
}

async function answer(request, response) {
  const url = new URL(request.url, "http://x");
  const [, kind, name, ...rest] = url.pathname.split("/");
  if (kind === "ipfs") await gateway(url, response);
  else if (kind === "files")
    for await (const piece of fs.cat(CID.parse(name), { path: rest.join("/"), offline: true })) response.write(piece);
  else if (kind === "car") await car(helia).import(await CarReader.fromIterable(request));
  else if (kind === "folders") response.write(await addFolder(name));
}

const server = http.createServer((request, response) => {
  answer(request, response).then(
    () => response.end(),
    (error) => {
      console.error(error);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    },
  );
});
server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
