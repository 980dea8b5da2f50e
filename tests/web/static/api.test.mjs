import assert from "node:assert/strict";
import { createServer } from "node:http";
import test from "node:test";
import { ApiError, errorText, get, post } from "/static/api.js";

/** Run `work` with the address of a server that answers every request alike. */
async function serving(answer, work) {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((resume) => server.once("listening", resume));
  try {
    await work(`http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

test("an answer is decoded JSON, a body is sent as JSON", async () => {
  const echo = async (request, response) => {
    const body = (await request.toArray()).join("");
    response.end(JSON.stringify({ body, method: request.method, type: request.headers["content-type"] }));
  };
  await serving(echo, async (address) => {
    assert.deepEqual(await post(address, { a: 1 }), { body: '{"a":1}', method: "POST", type: "application/json" });
    assert.equal((await get(address)).method, "GET");
  });
});

test("a refusal carries the server's sentence and what to do", async () => {
  const refuse = (_, response) => response.writeHead(403).end(JSON.stringify({ error: "Not yours.", fix: "Ask." }));
  await serving(refuse, async (address) => {
    const error = await get(address).catch((thrown) => thrown);
    assert.ok(error instanceof ApiError);
    assert.equal(error.status, 403);
    assert.equal(errorText(error), "Not yours. Ask.");
  });
});

test("an answer that is no JSON names its status", async () => {
  await serving(
    (_, response) => response.writeHead(502).end("<html>"),
    async (address) => assert.rejects(get(address), { message: "The server answered 502.", status: 502, fix: "" }),
  );
});

test("a server that is away has the status 0", async () => {
  let gone = "";
  await serving(
    (_, response) => response.end(),
    async (address) => {
      gone = address;
    },
  );
  await assert.rejects(get(gone), { status: 0, message: "The server cannot be reached." });
});
