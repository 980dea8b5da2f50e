import assert from "node:assert/strict";
import test from "node:test";
import { postSigned } from "/static/fresh-signature.js";

const ACCOUNT = `0x${"a".repeat(40)}`;

test("a browser without the account says which one and what to do", async (context) => {
  globalThis.window = new EventTarget();
  context.after(() => delete globalThis.window);
  context.mock.method(globalThis, "setTimeout", (done) => done());
  context.mock.method(globalThis, "fetch", async (path) =>
    path === "/api/confirmation"
      ? Response.json({ wallet: ACCOUNT, message: "It is me." })
      : Response.json({ error: "Sign.", code: "signature-needed" }, { status: 403 }),
  );
  await assert.rejects(
    postSigned("/api/films/x/remove", {}, () => {}),
    ({ message, fix }) => message.includes(ACCOUNT) && /choose that account .* or sign in again/.test(fix),
  );
});
