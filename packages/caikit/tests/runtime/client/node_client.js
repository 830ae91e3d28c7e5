// Calls a server of the golden library with the client that gRPC has for Node.
// usage: node node_client.js TARGET PROTOS [CA]
"use strict";
const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [target, protos, authority] = process.argv.slice(2);
const definition = loader.loadSync(path.join(protos, "caikit_runtime_GoldenLib.proto"), {
  includeDirs: [protos],
  longs: Number,
});
const { GoldenLibService } = grpc.loadPackageDefinition(definition).caikit.runtime.GoldenLib;
const credentials = authority
  ? grpc.credentials.createSsl(fs.readFileSync(authority))
  : grpc.credentials.createInsecure();
const client = new GoldenLibService(target, credentials, { "grpc.max_receive_message_length": 1 << 24 });
const metadata = new grpc.Metadata();
metadata.set("mm-model-id", "greeter");
metadata.set("trace-bin", Buffer.from([0, 255, 1]));
const person = { name: "Ann" };
const soon = () => ({ deadline: Date.now() + 20_000 });

const unary = (request, options = soon()) =>
  new Promise((resolve) => {
    client.GreetTaskPredict(request, metadata, options, (error, answer) => resolve(error ?? answer));
  });
const all = (call) =>
  new Promise((resolve) => {
    const texts = [];
    call.on("data", (answer) => texts.push(answer.text));
    call.on("error", (error) => resolve({ texts, code: error.code }));
    call.on("end", () => resolve({ texts, code: 0 }));
  });

(async () => {
  assert.equal((await unary({ person })).text, "Hello Ann");
  assert.equal((await unary({ person: { name: "x".repeat(2_000_000) } })).text.length, 2_000_006);

  const refused = await unary({ person, fail: "core:FORBIDDEN" });
  assert.equal(refused.code, grpc.status.PERMISSION_DENIED);
  assert.match(refused.details, /core says FORBIDDEN/);
  const late = await unary({ person, sleep: 30 }, { deadline: Date.now() + 200 });
  assert.equal(late.code, grpc.status.DEADLINE_EXCEEDED);

  const streamed = await all(client.ServerStreamingGreetTaskPredict({ person, count: 200 }, metadata, soon()));
  assert.deepEqual([streamed.texts.length, streamed.texts[199], streamed.code], [200, "Hello Ann 199", 0]);
  const broken = await all(client.ServerStreamingGreetTaskPredict({ person, fail: "value" }, metadata, soon()));
  assert.deepEqual(broken, { texts: ["Hello Ann 0"], code: grpc.status.INVALID_ARGUMENT });

  const greeting = await new Promise((resolve) => {
    const call = client.ClientStreamingGreetTaskPredict(metadata, soon(), (error, answer) => resolve(error ?? answer));
    for (let number = 0; number < 50; number += 1) call.write({ people: person });
    call.end();
  });
  assert.equal(greeting.text.split("Ann").length, 51);

  const chat = client.BidiStreamingGreetTaskPredict(metadata, soon());
  const answers = all(chat);
  for (const name of ["A", "B", "C"]) chat.write({ people: { name } });
  chat.end();
  assert.deepEqual((await answers).texts, ["Hello A", "Hello B", "Hello C"]);

  const cancelled = client.ServerStreamingGreetTaskPredict({ person, count: 600, sleep: 0.05 }, metadata, soon());
  cancelled.once("data", () => cancelled.cancel());
  assert.equal((await all(cancelled)).code, grpc.status.CANCELLED);

  const names = Array.from({ length: 300 }, (_, number) => `P${number}`);
  const together = await Promise.all(names.map((name) => unary({ person: { name } })));
  assert.deepEqual(together.map((answer) => answer.text), names.map((name) => `Hello ${name}`));
  client.close();
  console.log("all is well");
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
