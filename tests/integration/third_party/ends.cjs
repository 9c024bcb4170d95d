// Stations and CSMSs of the npm package `ocpp-rpc`, strict mode, driven over stdin and stdout by lines of JSON.
//
//   {"id":1,"do":"csms","end":"a","version":"ocpp1.6","answers":{"Heartbeat":{...}}}   ->  {"id":1,"result":{"port":40001}}
//   {"id":2,"do":"station","end":"s","version":...,"url":...,"identity":...,"answers":{...}}
//                        both with "password" and "tls" (options of Node's https and tls: ca, cert, key) where wanted
//   {"id":3,"do":"call","end":"s","action":"Heartbeat","payload":{}}                   ->  {"id":3,"result":{...}}
//                                                    a CALLERROR, or an answer that breaks its schema:  {"id":3,"error":...}
//   unasked:  {"event":"call" | "violation" | "connected" | "closed","end":"a", ...}
//
// An end answers each action with the payload it was given for it, and says NotImplemented to every other. One frame
// that its library finds fault with ends a connection: strict schemas on everything, and no bad message forgiven.
'use strict';
const https = require('node:https');
const readline = require('node:readline');
const {RPCClient, RPCServer, createRPCError, createValidator} = require('ocpp-rpc');

const say = message => process.stdout.write(`${JSON.stringify(message)}\n`);

console.warn = () => {}; // ajv's remarks on the style of the schemas that the package ships

// ocpp-rpc 2.2.1 ships the schemas of 2.1 as `urn:XRequest` and `urn:XResponse`, and looks for `urn:X.req` and
// `urn:X.conf`: its strict mode would refuse every call. These are its own schemas under the names it looks for.
const validator21 = createValidator(
  'ocpp2.1',
  require('ocpp-rpc/lib/schemas/ocpp2_1.json').map(schema => ({
    ...schema,
    $id: schema.$id.replace(/Request$/, '.req').replace(/Response$/, '.conf'),
  })),
);
const strict = version => ({
  protocols: [version],
  strictMode: true,
  strictModeValidators: [validator21],
  maxBadMessages: 0,
});

const points = new Map(); // end -> the connection that it makes calls on

function attend(end, point, answers) {
  const fault = (kind, error) => say({event: 'violation', end, kind, reason: String(error && error.message)});
  point.on('strictValidationFailure', ({method, error}) => fault(`schema of ${method}`, error));
  point.on('badMessage', ({error}) => fault('bad message', error));
  point.on('socketError', error => fault('socket', error));
  point.on('close', ({code, reason}) => say({event: 'closed', end, code, reason: String(reason)}));
  point.handle(({method, params}) => {
    say({event: 'call', end, action: method, payload: params});
    if (method in answers) return answers[method];
    throw createRPCError('NotImplemented', `${end} has no answer to ${method}`);
  });
  points.set(end, point);
}

const deeds = {
  async csms({end, version, answers, tls, password}) {
    const server = new RPCServer(strict(version));
    if (password !== undefined) {
      server.auth((accept, reject, knock) => {
        const given = knock.password && knock.password.toString();
        return given === password ? accept({}, version) : reject(401);
      });
    }
    server.on('client', point => {
      attend(end, point, answers);
      say({event: 'connected', end, identity: point.identity, protocol: point.protocol});
    });
    if (tls === undefined) {
      const listening = await server.listen(0, '127.0.0.1');
      return {port: listening.address().port};
    }
    const secured = https.createServer({...tls, rejectUnauthorized: Boolean(tls.requestCert)});
    secured.on('upgrade', server.handleUpgrade);
    await new Promise(resolve => secured.listen(0, '127.0.0.1', resolve));
    return {port: secured.address().port};
  },
  async station({end, version, url, identity, answers, tls, password}) {
    const how = {endpoint: url, identity, reconnect: false, password, wsOpts: tls ?? {}};
    const point = new RPCClient({...strict(version), ...how});
    attend(end, point, answers);
    await point.connect();
    return {protocol: point.protocol};
  },
  async call({end, action, payload}) {
    return points.get(end).call(action, payload);
  },
  async close({end}) {
    return points.get(end).close({code: 1000});
  },
};

readline
  .createInterface({input: process.stdin})
  .on('line', async line => {
    const order = JSON.parse(line);
    try {
      say({id: order.id, result: await deeds[order.do](order)});
    } catch (error) {
      say({id: order.id, error: {code: error.rpcErrorCode ?? error.name, reason: error.message}});
    }
  })
  .on('close', () => process.exit(0));
