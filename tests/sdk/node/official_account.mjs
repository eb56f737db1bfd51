// node-easywechat 3.6, its OfficialAccount application; OAuth by node-socialite, whose API host is one of its fields.
import { assert, check, control, ear, phone, report, sdk, world } from './harness.mjs';

const { OfficialAccount, ServerRequest } = sdk('node-easywechat');
const held = world.credentials.wechat_official_account;
const app = new OfficialAccount({
  app_id: held.appid, secret: held.secret, token: held.push_token, aes_key: held.encoding_aes_key,
  file_cache: { path: './easywechat-official' }, http: { baseURL: held.base_url, throw: false },
  oauth: { scopes: ['snsapi_userinfo'], redirect_url: 'http://127.0.0.1:9/back' },
});

function oauth(scope = 'snsapi_userinfo') {
  const provider = app.getOAuth().scopes([scope]).withState('page42');
  provider._baseUrl = `${held.base_url}/sns`;
  return provider;
}

/** The visitor opens the page; where the browser goes on to. */
async function visit(provider, outcome = 'allow') {
  const { redirect } = await phone('wechat/oauth', { person: 'P01', url: provider.redirect(), outcome });
  return new URL(redirect).searchParams;
}

check('its authorise link is refused by the strict order of parameters, and is the same page without it', async () => {
  const { page } = await phone('wechat/oauth', { person: 'P01', url: oauth().redirect() });
  assert.ok(page.text);
  await control('POST', 'deviations', { 'wechat.oauth_parameter_order': 'any' });
  const back = await visit(oauth());
  assert.equal(back.get('state'), 'page42');
  assert.ok(back.get('code'));
});

check('a consenting visitor is known by name', async () => {
  const provider = oauth();
  const user = await provider.userFromCode((await visit(provider)).get('code'));
  assert.match(user.getId(), /^o[\w-]{27}$/);
  assert.ok(user.getNickname());
  assert.equal(user.getExpiresIn(), 7200);
});

check('a silent visit gives the openid alone', async () => {
  const provider = oauth('snsapi_base');
  const user = await provider.userFromCode((await visit(provider)).get('code'));
  assert.match(user.getId(), /^o[\w-]{27}$/);
  assert.equal(user.getNickname(), null);
});

check('a visitor who declines comes back with the state alone', async () => {
  const back = await visit(oauth(), 'deny');
  assert.deepEqual([back.get('code'), back.get('state')], [null, 'page42']);
});

check('a code serves once, and a made-up one not at all', async () => {
  const provider = oauth();
  const code = (await visit(provider)).get('code');
  assert.equal((await provider.tokenFromCode(code)).scope, 'snsapi_userinfo');
  for (const [used, errcode] of [[code, 40163], ['021Nobody', 40029]]) {
    const { data } = await provider.getTokenFromCode(used);
    assert.equal(data.errcode, errcode);
  }
});

check('a push to the account is opened with its own keys', async () => {
  const door = await ear(async ({ method, url, headers, body }) => {
    const request = new ServerRequest(method, url, headers, body);
    if (body) await request.parseBody();
    app.setServer(null).setRequest(request);
    let heard;
    app.getServer().with((message, next) => { heard = message.toObject(); return next(message); });
    const response = await app.getServer().serve();
    return { reply: response.getBody().toString(), heard };
  });
  await control('POST', 'push', { app: 'official_account', url: door.url, mode: 'safe', format: 'xml' });
  await door.next();
  await phone('wechat/push', { person: 'P01', app: 'official_account', event: 'text', fields: { Content: '你好' } });
  const { heard } = (await door.next()).read;
  assert.deepEqual([heard.MsgType, heard.Content, heard.ToUserName], ['text', '你好', held.original_id]);
});

await report();
