// Sends one message and one raw message with @atech/postal and prints what it got as JSON.
// Arguments: host, port, key, sender. The library knows no port, so its HTTPS requests get one here.
const https = require('https');
const [host, port, key, sender] = process.argv.slice(2);
const original = https.request;
https.request = (options, done) => original({ ...options, port: Number(port) }, done);

const Postal = require('@atech/postal');
const client = new Postal.Client(host, key);
const message = new Postal.SendMessage(client);
message.to('John@Example.com');
message.cc('Jane <jane@example.com>');
message.bcc('hidden@example.com');
message.from(sender);
message.subject('Grüße from node');
message.plainBody('Hello');
message.htmlBody('<p>Hello</p>');
message.header('X-Custom', 'value');
message.attach('a.txt', 'text/plain', 'content');

const raw = new Postal.SendRawMessage(client);
raw.mailFrom('bounce@acme.test');
raw.rcptTo('raw@example.com');
raw.data(`From: ${sender}\nSubject: raw\n\nHello\n`);

const told = (result) => {
  const found = {};
  const recipients = result.recipients();
  for (const address of Object.keys(recipients)) {
    found[address] = { id: recipients[address].id(), token: recipients[address].token() };
  }
  return found;
};

message
  .send()
  .then((first) => raw.send().then((second) => ({ message: told(first), raw: told(second) })))
  .catch((data) => ({ error: data }))
  .then((outcome) => console.log(JSON.stringify(outcome)));
