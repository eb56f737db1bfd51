// What every script here needs: the world it was given, SDKs, a phone, an ear for callbacks, and nothing beyond loopback.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';

export { assert };

/** base, space, credentials; made by tests/sdk/test_node.py */
export const world = JSON.parse(process.env.YIBAO_WORLD);

/** An SDK, from wherever `npm ci` put it. */
export const sdk = createRequire(path.join(process.env.YIBAO_NODE_MODULES, 'here.js'));

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...given) {
  const [options] = Array.isArray(given[0]) ? given[0] : given;
  const host = options?.host ?? '127.0.0.1';
  if (!['127.0.0.1', '::1', 'localhost'].includes(host)) throw new Error(`an SDK wanted to reach ${host}`);
  return connect.apply(this, given);
};

const checks = [];
/** One thing to check, under the sentence the report shows. They run in order. */
export const check = (sentence, body) => checks.push([sentence, body]);

/** Runs the checks and prints what came of them as JSON. */
export async function report() {
  const found = {};
  for (const [sentence, body] of checks) {
    try {
      await body();
      found[sentence] = 'ok';
    } catch (error) {
      found[sentence] = `${error.stack}\n${JSON.stringify(error.response?.data ?? null)}`;
    }
  }
  process.stdout.write(`${JSON.stringify(found)}\n`, () => process.exit(0));
}

/** The control API. */
export async function control(method, where, body) {
  const answer = await fetch(`${world.base}/_mock/${where}`, {
    method,
    headers: { 'X-Yibao-Space': world.space, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const said = await answer.json();
  assert.ok(answer.ok, `${where}: ${JSON.stringify(said)}`);
  return said;
}

/** What the WeChat app on the phone does. */
export const phone = (action, body) => control('POST', `phone/${action}`, body);

/** The next call of a target ends so. */
export const plan = (target, outcome) => control('POST', 'outcomes', { target, outcome });

/** What is known of a sample person. */
export const person = (id) => control('GET', `people/${id}`);

export const digest = (idNumber) => createHash('md5').update(idNumber.toUpperCase()).digest('hex');

/** The openid of a person in the mini program. */
export async function openid(id) {
  const { appid, secret, base_url: base } = world.credentials.wechat;
  const { code } = await phone('wechat/login', { person: id });
  const query = new URLSearchParams({ appid, secret, js_code: code, grant_type: 'authorization_code' });
  return (await (await fetch(`${base}/sns/jscode2session?${query}`)).json()).openid;
}

/** A back end's door for callbacks: what `answer` says to each request is what the sender hears. */
export async function ear(answer) {
  const heard = [];
  let told = () => {};
  const server = http.createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const { method, url, headers } = request;
    const one = { method, url, headers, body: Buffer.concat(parts).toString() };
    try {
      one.read = await answer(one);
      response.writeHead(200, { 'Content-Type': 'text/plain' }).end(one.read?.reply ?? '');
    } catch (error) {
      one.refused = error.message;
      response.writeHead(401).end();
    }
    heard.push(one);
    told();
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  const next = async () => {
    const late = setTimeout(() => told(new Error('no callback came within 30 s')), 30_000);
    while (!heard.length) {
      await new Promise((resolve, reject) => { told = (error) => (error ? reject(error) : resolve()); });
    }
    clearTimeout(late);
    return heard.shift();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, next };
}

/** The newest event about a business number, sent once more. */
export async function resend(ref, how) {
  const { items } = await control('GET', `events?ref=${ref}`);
  return control('POST', `events/${items.at(-1).id}/resend`, how);
}

let count = 0;
/** A number no order had yet. */
export const fresh = (prefix) => `${prefix}${String((count += 1)).padStart(6, '0')}`;
