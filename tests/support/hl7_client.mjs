// Sends messages with node-hl7-client, one after the other on one connection, and prints what it made of each answer,
// a line of JSON each.
//   node hl7_client.mjs PORT COUNT [CA CERTIFICATE KEY]      with the three files: under TLS
// A batch goes last. The client reads the acknowledgement itself: its type must be one that it knows.
import fs from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(new URL('./peers/', import.meta.url));
const { Batch, Client, Message } = require('node-hl7-client');

const [port, count, ca, certificate, key] = process.argv.slice(2);
const tls = ca && { ca: fs.readFileSync(ca), cert: fs.readFileSync(certificate), key: fs.readFileSync(key), servername: '' };
const client = new Client({ host: '127.0.0.1', ...(tls && { tls }) });

let answered;
const connection = client.createConnection({ port: Number(port), waitAck: true }, (response) => {
  const message = response.getMessage();
  console.log(JSON.stringify({ code: message.get('MSA.1').toString(), controlId: message.get('MSA.2').toString(),
    type: message.get('MSH.9.1').toString(), version: message.get('MSH.12').toString() }));
  answered();
});
for (const failure of ['client.error', 'connection.error', 'error']) {
  connection.on(failure, (error) => {
    console.error(failure, error);
    process.exit(1);
  });
}

async function send(content) {
  const answer = new Promise((resolve) => { answered = resolve; });
  await connection.sendMessage(content);
  await answer;
}

function result(number) {
  const message = new Message({ messageHeader: { msh_9_1: 'ORU', msh_9_2: 'R01', msh_9_3: 'ORU_R01', msh_10: `NODE-${number}`,
    msh_11_1: 'T' } });
  message.set('MSH.3', 'LABSYS');
  message.set('MSH.4', 'TESTLAB');
  const observation = message.addSegment('OBX');
  observation.set('1', '1');
  observation.set('5', 'Not detected');
  return message;
}

for (let number = 0; number < Number(count); number += 1) await send(result(number));
const batch = new Batch({ batchHeader: { bhs_11: 'NODE-BATCH' } });
batch.start();
batch.set('BHS.11', 'NODE-BATCH');
batch.add(result('IN-BATCH-1'));
batch.add(result('IN-BATCH-2'));
batch.end();
await send(batch);
await connection.close();
process.exit(0);
