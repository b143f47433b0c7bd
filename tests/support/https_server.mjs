// Node's own HTTPS server, which asks for a client certificate: `node https_server.mjs CERTIFICATE KEY CLIENT_CA`. Prints
// "port N", then a JSON line for each request: who came, with which Idempotency-Key, and the body as base64.
import { readFileSync } from "node:fs";
import https from "node:https";

const [certificate, key, clientCa] = process.argv.slice(2).map((path) => readFileSync(path));
const options = { cert: certificate, key, ca: clientCa, requestCert: true, rejectUnauthorized: true };
const server = https.createServer(options, (request, response) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    console.log(JSON.stringify({
      client: request.socket.getPeerCertificate().subject.CN,
      key: request.headers["idempotency-key"],
      body: Buffer.concat(pieces).toString("base64"),
    }));
    response.writeHead(201, { "Content-Type": "application/json" });
    response.end("{}");
  });
});
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
process.on("SIGTERM", () => process.exit(0));
