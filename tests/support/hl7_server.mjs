// An HL7 receiver that others wrote (npm simple-hl7): `node hl7_server.mjs PORT`. Prints "port N", then each message's MSH-10 and
// the number of its segments. Refuses with AE a message whose MSH-10 begins with "bad".
import { createRequire } from "node:module";

const require = createRequire(new URL("./peers/package.json", import.meta.url));
const hl7 = require("simple-hl7");

const server = hl7.tcp();
server.use((request, response, next) => {
  const id = request.msg.header.getField(8);
  console.log(`message ${id} ${request.msg.segments.length}`);
  if (String(id).startsWith("bad")) return next(new Error("refused"));
  next();
});
server.use((request, response) => response.end());
server.use((error, request, response, next) => {
  response.ack.getSegment("MSA").setField(1, "AE");
  response.end();
});
server.start(Number(process.argv[2]));
console.log(`port ${process.argv[2]}`);
process.on("SIGTERM", () => process.exit(0));
