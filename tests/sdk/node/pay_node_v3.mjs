// wechatpay-node-v3 2.2: verifies no answer, callbacks with the platform certificate it fetches. Its host names are
// literals, so its HTTP layer is replaced by itself under our address, as its documentation offers (createHttp).
import { assert, check, control, ear, fresh, openid, phone, plan, report, resend, sdk, world } from './harness.mjs';

const found = sdk('wechatpay-node-v3');
const Pay = found.default ?? found;
const HOST = 'https://api.mch.weixin.qq.com';
const held = world.credentials.wechatpay;

function make(changes = {}) {
  const pay = new Pay({
    appid: held.appid, mchid: held.mchid, publicKey: Buffer.from(held.merchant_certificate),
    privateKey: Buffer.from(held.merchant_private_key), key: held.apiv3_key, ...changes,
  });
  const inner = pay.httpService;
  const ours = (url) => url.replace(HOST, held.base_url);
  pay.createHttp({
    get: (url, headers) => inner.get(ours(url), headers),
    post: (url, body, headers) => inner.post(ours(url), body, headers),
    upload: (url, body, headers) => inner.upload(ours(url), body, headers),
  });
  return pay;
}

const pay = make();
const payer = { openid: await openid('P01') };
const door = await ear(read);

async function read({ headers, body }) {
  const [timestamp, nonce, serial, signature] = ['timestamp', 'nonce', 'serial', 'signature'].map((name) => headers[`wechatpay-${name}`]);
  assert.ok(await pay.verifySign({ timestamp, nonce, body, serial, signature, apiSecret: held.apiv3_key }), 'not signed');
  const notice = JSON.parse(body);
  const { ciphertext, associated_data: aad, nonce: iv } = notice.resource;
  return { ...notice, plain: pay.decipher_gcm(ciphertext, aad, iv, held.apiv3_key) };
}

const order = (number, total = 4200) => pay.transactions_jsapi({
  description: '样例药品', out_trade_no: number, notify_url: `${door.url}/pay`, amount: { total, currency: 'CNY' }, payer,
});

async function paid(number) {
  const { data } = await order(number);
  assert.equal((await phone('wechatpay/pay', { params: data })).errMsg, 'requestPayment:ok');
}

check('an order is made, queried and closed', async () => {
  const number = fresh('NODEV3');
  const made = await order(number);
  assert.deepEqual([made.status, made.data.signType], [200, 'RSA']);
  const asked = await pay.query({ out_trade_no: number });
  assert.deepEqual([asked.status, asked.data.trade_state], [200, 'NOTPAY']);
  assert.equal((await pay.close(number)).status, 204);
  assert.equal((await pay.query({ out_trade_no: number })).data.trade_state, 'CLOSED');
});

check('the parameters it signs for the phone pay, and the callback verifies', async () => {
  const number = fresh('NODEV3');
  await paid(number);
  const told = (await door.next()).read;
  assert.deepEqual([told.event_type, told.plain.out_trade_no], ['TRANSACTION.SUCCESS', number]);
  assert.equal((await pay.query({ transaction_id: told.plain.transaction_id })).data.trade_state, 'SUCCESS');
  const back = await pay.refunds({ out_trade_no: number, out_refund_no: `R${number}`, notify_url: `${door.url}/refund`, amount: { refund: 1, total: 4200, currency: 'CNY' } });
  assert.deepEqual([back.status, back.data.status], [200, 'PROCESSING']);
  await control('POST', 'clock', { advance: '3s' });
  assert.equal((await door.next()).read.plain.refund_status, 'SUCCESS');
  assert.equal((await pay.find_refunds(`R${number}`)).data.status, 'SUCCESS');
});

check('forged callbacks are refused', async () => {
  const number = fresh('NODEV3');
  await paid(number);
  const good = await door.next();
  await assert.rejects(read({ ...good, body: good.body.replace('SUCCESS', 'SUCCES5') }), /not signed/);
  await assert.rejects(read({ ...good, headers: { ...good.headers, 'wechatpay-serial': 'ABCDEF' } }), /平台证书序列号不相符/);
  await resend(number, { signature: 'wrong_key' });
  assert.equal((await door.next()).refused, 'not signed');
});

check('every class of refusal is handed on with its status and text', async () => {
  const number = fresh('NODEV3');
  await order(number);
  const stranger = make({ privateKey: Buffer.from(world.strange_key) });
  const called = async (outcome, call) => { await plan('wechatpay.jsapi', outcome); return call(); };
  const rows = [
    [400, 'PARAM_ERROR', () => order('5')],
    [401, 'SIGN_ERROR', () => stranger.query({ out_trade_no: number })],
    [403, 'OUT_TRADE_NO_USED', () => order(number, 1)],
    [404, 'ORDER_NOT_EXIST', () => pay.query({ out_trade_no: 'NOBODYS-01' })],
    [429, 'FREQUENCY_LIMITED', () => called('frequency', () => order(fresh('NODEV3')))],
    [500, 'SYSTEM_ERROR', () => called('system_error', () => order(fresh('NODEV3')))],
  ];
  for (const [status, code, call] of rows) {
    const answer = await call();
    assert.deepEqual([answer.status, JSON.parse(answer.error).code], [status, code]);
  }
});

check('a bill is fetched under the official host, the only one it signs for', async () => {
  const number = fresh('NODEV3');
  await paid(number);
  await door.next();
  const { items } = await control('GET', `events?ref=${number}`);
  await control('POST', 'clock', { advance: '24h' });
  const ask = () => pay.tradebill({ bill_date: items[0].created_at.slice(0, 10) });
  const elsewhere = await pay.downloadBill((await ask()).data.download_url);
  assert.deepEqual([elsewhere.status, JSON.parse(elsewhere.error).code], [401, 'SIGN_ERROR']);
  await control('POST', 'deviations', { 'wechatpay.bill_host': 'official' });
  const offer = await ask();
  assert.equal(offer.status, 200);
  assert.ok(offer.data.download_url.startsWith(`${HOST}/v3/billdownload/file?`));
  assert.equal((await pay.downloadBill(offer.data.download_url)).status, 200);
});

await report();
