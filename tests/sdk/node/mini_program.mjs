// node-easywechat 3.6, its MiniApp application. Base URL: config http.baseURL.
import { assert, check, control, ear, openid, person, phone, plan, report, sdk, world } from './harness.mjs';

const { MiniApp, ServerRequest } = sdk('node-easywechat');
const held = world.credentials.wechat;
const config = {
  app_id: held.appid, secret: held.secret, token: held.push_token, aes_key: held.encoding_aes_key,
  file_cache: { path: './easywechat-mini' }, http: { baseURL: held.base_url, throw: false },
};
const app = new MiniApp(config);
const client = app.getClient();
const login = async (id) => (await phone('wechat/login', { person: id })).code;
const phoneNumber = async () => client.postJson('/wxa/business/getuserphonenumber', { code: (await phone('wechat/phone-number', { person: 'P01' })).code });

check('a code becomes a session, once', async () => {
  const code = await login('P01');
  const session = await app.getUtils().codeToSession(code);
  assert.match(session.openid, /^o[\w-]{27}$/);
  await assert.rejects(app.getUtils().codeToSession(code), /40163/);
  await assert.rejects(app.getUtils().codeToSession('0bNobody'), /40029/);
});

check('a phone code becomes a number, and open data opens', async () => {
  const { session_key: key } = await app.getUtils().codeToSession(await login('P01'));
  const sealed = await phone('wechat/phone-number', { person: 'P01' });
  const opened = app.getUtils().decryptSession(key, sealed.iv, sealed.encryptedData);
  assert.equal(opened.purePhoneNumber, (await person('P01')).phone);
  const found = (await phoneNumber()).toObject();
  assert.deepEqual([found.errcode, found.phone_info.purePhoneNumber], [0, opened.purePhoneNumber]);
});

check('both kinds of token work, and a dead one is refused until it is renewed', async () => {
  const stable = new MiniApp({ ...config, use_stable_access_token: true });
  assert.equal((await stable.getClient().postJson('/wxa/business/getuserphonenumber', { code: 'x' })).toObject().errcode, 40029);
  assert.notEqual(await stable.getAccessToken().getToken(), await app.getAccessToken().getToken());
  await control('POST', 'clock', { advance: '7300s' });
  const refused = await phoneNumber();
  assert.deepEqual([refused.getStatusCode(), refused.toObject().errcode], [200, 42001]);
  assert.match(refused.toObject().errmsg, /access_token expired/);
  await app.getAccessToken().refresh();
  assert.equal((await phoneNumber()).toObject().errcode, 0);
});

check('a mini-program code is a JPEG, a refusal is JSON', async () => {
  const drawn = await client.request('POST', '/wxa/getwxacodeunlimit', { json: { scene: 'b=42', check_path: false }, responseType: 'arraybuffer' });
  assert.equal(drawn.getHeader('content-type'), 'image/jpeg');
  assert.deepEqual([...drawn.getContent().subarray(0, 2)], [0xff, 0xd8]);
  assert.ok(drawn.is('image'));
  const refused = await client.postJson('/wxa/getwxacodeunlimit', { scene: '%' });
  assert.equal(refused.toObject().errcode, 40129);
});

/** A template and data it takes, as its list shows them. */
async function template() {
  const { data } = (await client.get('/wxaapi/newtmpl/gettemplate')).toObject();
  const [{ priTmplId: id, content, example }] = data;
  const names = [...content.matchAll(/\{\{(\w+)\.DATA\}\}/g)].map((found) => found[1]);
  const samples = example.trim().split('\n').map((line) => line.slice(line.indexOf(':') + 1));
  return { id, data: Object.fromEntries(names.map((name, n) => [name, { value: samples[n] }])) };
}

check('a subscribe message arrives for who accepted, and each refusal is told', async () => {
  const { id, data } = await template();
  const send = async (more) => (await client.postJson('/cgi-bin/message/subscribe/send', { touser: await openid('P01'), template_id: id, data, ...more })).toObject();
  assert.equal((await send()).errcode, 43101);
  assert.equal((await phone('wechat/subscribe', { person: 'P01', tmplIds: [id] }))[id], 'accept');
  assert.equal((await send({ data: {} })).errcode, 47003);
  assert.equal((await send({ touser: `o${'x'.repeat(27)}` })).errcode, 40003);
  assert.equal((await send({ template_id: 'nobodys' })).errcode, 40037);
  assert.deepEqual(await send(), { errcode: 0, errmsg: 'ok' });
  const { items } = await control('GET', 'people/P01/messages');
  assert.equal(items.at(-1).template_id, id);
});

check('a wrong secret, a missing token and a busy system are told in the envelope', async () => {
  const stranger = new MiniApp({ ...config, secret: '0'.repeat(32), file_cache: { path: './easywechat-stranger' } });
  await assert.rejects(stranger.getAccessToken().getToken(), /40125/);
  const bare = await app.getHttpClient().request('POST', '/wxa/business/getuserphonenumber', { json: { code: 'x' } });
  assert.equal(bare.toObject().errcode, 41001);
  const wrong = await client.get('/wxa/nope');
  assert.equal(wrong.toObject().errcode, 40066);
});

/** What the back end's push address makes of a request. */
async function read({ method, url, headers, body }) {
  const request = new ServerRequest(method, url, headers, body);
  if (body) await request.parseBody();
  app.setRequest(request);
  const heard = [];
  const server = app.getServer().withoutHandlers?.() ?? app.getServer();
  server.with((message, next) => { heard.push(message.toObject()); return next(message); });
  const response = await server.serve();
  return { reply: response.getBody().toString(), message: heard[0] };
}

check('pushes are answered, verified and opened in every mode', async () => {
  const door = await ear(read);
  for (const mode of ['plaintext', 'compatible', 'safe']) {
    app.setServer(null);
    await control('POST', 'push', { url: `${door.url}/push`, mode, format: 'xml' });
    const asked = await door.next();
    assert.match(asked.url, /echostr=/);
    app.setServer(null);
    await phone('wechat/push', { person: 'P01', event: 'user_authorization_revoke' });
    const { message } = (await door.next()).read;
    assert.deepEqual([message.Event, message.OpenID, message.AppID], ['user_authorization_revoke', await openid('P01'), held.appid]);
  }
});

check('forged pushes are refused', async () => {
  let taken;
  const door = await ear((one) => { taken = one; return read(one); });
  app.setServer(null);
  await control('POST', 'push', { url: `${door.url}/push`, mode: 'safe', format: 'xml' });
  await door.next();
  app.setServer(null);
  await phone('wechat/push', { person: 'P01', event: 'user_authorization_revoke' });
  await door.next();
  const forged = [
    { ...taken, url: taken.url.replace(/msg_signature=\w{4}/, 'msg_signature=0000') },
    { ...taken, body: taken.body.replace(/<Encrypt><!\[CDATA\[..../, (found) => `${found.slice(0, -4)}AAAA`) },
    { ...taken, url: taken.url.replace(/timestamp=\d+/, 'timestamp=1') },
  ];
  for (const one of forged) {
    app.setServer(null);
    await assert.rejects(read(one), /[Ss]ignature/);
  }
});

await report();
