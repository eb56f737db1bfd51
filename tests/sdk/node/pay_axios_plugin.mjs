// wechatpay-axios-plugin 0.9: verifies every answer itself; callbacks with its primitives. Base URL: option baseURL.
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { assert, check, control, digest, ear, fresh, openid, person, phone, plan, report, resend, sdk, world } from './harness.mjs';

const { Wechatpay, Formatter, Rsa, Aes } = sdk('wechatpay-axios-plugin');
const held = world.credentials.wechatpay;
const certs = {
  [held.platform_serial_no]: held.platform_certificate,
  [held.public_key_id]: Rsa.from(held.public_key, Rsa.KEY_TYPE_PUBLIC),
};
const keys = Object.fromEntries(Object.entries(certs).map(([id, key]) => [id, Rsa.from(key, Rsa.KEY_TYPE_PUBLIC)]));
const options = { mchid: held.mchid, serial: held.merchant_serial_no, privateKey: held.merchant_private_key };
const client = new Wechatpay({ ...options, certs: { ...certs }, baseURL: `${held.base_url}/` });
const payer = { openid: await openid('P01') };
const door = await ear(read);

/** The application assembles the check from the SDK's parts, as its README shows. */
function read({ headers, body }) {
  const [stamp, nonce, serial, signature] = ['timestamp', 'nonce', 'serial', 'signature'].map((name) => headers[`wechatpay-${name}`]);
  assert.ok(Math.abs(Formatter.timestamp() - stamp) <= 300, 'the timestamp is old');
  assert.ok(keys[serial] && Rsa.verify(Formatter.response(stamp, nonce, body), signature, keys[serial]), 'not signed');
  const notice = JSON.parse(body);
  const { ciphertext, nonce: iv, associated_data: aad } = notice.resource;
  return { ...notice, plain: JSON.parse(Aes.AesGcm.decrypt(ciphertext, held.apiv3_key, iv, aad)) };
}

const order = (number, total = 4200, more = {}) => client.v3.pay.transactions.jsapi.post({
  appid: held.appid, mchid: held.mchid, description: '样例药品', out_trade_no: number,
  notify_url: `${door.url}/pay`, amount: { total, currency: 'CNY' }, payer, ...more,
});
const query = (number) => client.v3.pay.transactions.outTradeNo.$number$.get({ params: { mchid: held.mchid }, number });

function signed(prepayId) {
  const params = { appId: held.appid, timeStamp: `${Formatter.timestamp()}`, nonceStr: Formatter.nonce(), package: `prepay_id=${prepayId}` };
  const paySign = Rsa.sign(Formatter.joinedByLineFeed(...Object.values(params)), held.merchant_private_key);
  return { ...params, signType: 'RSA', paySign };
}

async function pay(number, total) {
  const { data } = await order(number, total);
  const { errMsg } = await phone('wechatpay/pay', { params: signed(data.prepay_id) });
  assert.equal(errMsg, 'requestPayment:ok');
}

const refused = (call) => call.then(() => assert.fail('was answered'), (error) => error.response ?? error);

check('an order is made, queried and closed', async () => {
  const number = fresh('AXIOS');
  assert.equal((await order(number)).status, 200);
  assert.equal((await query(number)).data.trade_state, 'NOTPAY');
  const { status } = await client.v3.pay.transactions.outTradeNo.$number$.close.post({ mchid: held.mchid }, { number });
  assert.equal(status, 204);
  assert.equal((await query(number)).data.trade_state, 'CLOSED');
});

check('the public key signs for who names it', async () => {
  const { headers } = await order(fresh('AXIOS'), 1, {}, {});
  assert.equal(headers['wechatpay-serial'], held.platform_serial_no);
  const named = await client.v3.pay.transactions.jsapi.post({
    appid: held.appid, mchid: held.mchid, description: '样例药品', out_trade_no: fresh('AXIOS'),
    notify_url: `${door.url}/pay`, amount: { total: 1 }, payer,
  }, { headers: { 'Wechatpay-Serial': held.public_key_id } });
  assert.equal(named.headers['wechatpay-serial'], held.public_key_id);
});

check('certificates are listed and open with the APIv3 key', async () => {
  const { data } = await client.v3.certificates.get();
  const { ciphertext, nonce, associated_data: aad } = data.data[0].encrypt_certificate;
  assert.equal(Aes.AesGcm.decrypt(ciphertext, held.apiv3_key, nonce, aad).trim(), held.platform_certificate.trim());
});

check('a payment and its refund are told and verify', async () => {
  const number = fresh('AXIOS');
  await pay(number);
  const paid = (await door.next()).read;
  assert.equal(paid.event_type, 'TRANSACTION.SUCCESS');
  assert.deepEqual(paid.plain, (await query(number)).data);
  const { data } = await client.v3.refund.domestic.refunds.post({
    out_trade_no: number, out_refund_no: `R${number}`, notify_url: `${door.url}/refund`, amount: { refund: 200, total: 4200, currency: 'CNY' },
  });
  assert.equal(data.status, 'PROCESSING');
  await control('POST', 'clock', { advance: '3s' });
  const back = (await door.next()).read;
  assert.deepEqual([back.event_type, back.plain.refund_status], ['REFUND.SUCCESS', 'SUCCESS']);
  const found = await client.v3.refund.domestic.refunds.$number$.get({ number: `R${number}` });
  assert.equal(found.data.status, 'SUCCESS');
});

check('forged callbacks are refused', async () => {
  const number = fresh('AXIOS');
  await pay(number);
  const good = await door.next();
  assert.throws(() => read({ ...good, body: good.body.replace('SUCCESS', 'SUCCES5') }), /not signed/);
  await resend(number, { signature: 'wrong_key' });
  assert.equal((await door.next()).refused, 'not signed');
  await resend(number, { signature: 'stale' });
  assert.equal((await door.next()).refused, 'the timestamp is old');
  await resend(number, { signature: 'fresh' });
  assert.equal((await door.next()).read.plain.out_trade_no, number);
});

check('a mixed order is made, paid, told, and its refund reported', async () => {
  const number = fresh('AXIOS');
  const me = await person('P01');
  const seal = (text) => Rsa.encrypt(text, keys[held.public_key_id]);
  const headers = { 'Wechatpay-Serial': held.public_key_id };
  const { data: made } = await client.v3.medIns.orders.post({
    mix_pay_type: 'INSURANCE_ONLY', order_type: 'PHARMACY_PAY', appid: held.appid, openid: payer.openid,
    payer: { name: seal(me.name), id_digest: seal(digest(me.id_number)), card_type: 'ID_CARD' },
    out_trade_no: number, serial_no: 'H20260101000001', city_id: '460100', med_inst_name: '样例药房',
    med_inst_no: 'P46010000001', callback_url: `${door.url}/medical`, total_fee: 4500, med_ins_gov_fee: 3000,
    med_ins_self_fee: 1500, med_ins_other_fee: 0, med_ins_cash_fee: 0, pay_order_id: 'ORD460000000000000000000001',
    pay_auth_no: 'AUTH460000000000000000000001', geo_location: '110.331190,20.031970',
    med_ins_order_create_time: '2026-01-01T09:00:00+08:00',
  }, { headers });
  assert.equal(made.mix_pay_status, 'MIX_PAY_CREATED');
  const { errMsg } = await phone('wechatpay/medical-pay', { params: { mixTradeNo: made.mix_trade_no } });
  assert.equal(errMsg, 'requestMedicalInsurancePay:ok');
  const told = (await door.next()).read;
  const found = await client.v3.medIns.orders.mixTradeNo.$number$.get({ number: made.mix_trade_no });
  assert.deepEqual([told.event_type, told.plain], ['MEDICAL_INSURANCE.SUCCESS', found.data]);
  const { status } = await client.v3.medIns.refunds.notify.post({
    med_refund_total_fee: 4500, med_refund_gov_fee: 3000, med_refund_self_fee: 1500, med_refund_other_fee: 0,
    refund_time: '2026-01-02T09:00:00+08:00', out_refund_no: `R${number}`,
  }, { params: { mix_trade_no: made.mix_trade_no } });
  assert.equal(status, 204);
  const after = await client.v3.medIns.orders.outTradeNo.$number$.get({ number });
  assert.equal(after.data.med_ins_pay_status, 'MED_INS_PAY_REFUND');
});

check('every class of refusal is an error with its status and code', async () => {
  const number = fresh('AXIOS');
  await order(number);
  const stranger = new Wechatpay({ ...options, privateKey: world.strange_key, certs: { ...certs }, baseURL: `${held.base_url}/` });
  const called = async (target, outcome, call) => { await plan(target, outcome); return call(); };
  const rows = [
    [400, 'PARAM_ERROR', () => order('5')],
    [401, 'SIGN_ERROR', () => stranger.v3.certificates.get()],
    [403, 'OUT_TRADE_NO_USED', () => order(number, 1)],
    [404, 'ORDER_NOT_EXIST', () => query('NOBODYS-01')],
    [429, 'FREQUENCY_LIMITED', () => called('wechatpay.jsapi', 'frequency', () => order(fresh('AXIOS')))],
    [500, 'SYSTEM_ERROR', () => called('wechatpay.jsapi', 'system_error', () => order(fresh('AXIOS')))],
  ];
  for (const [status, code, call] of rows) {
    const response = await refused(call());
    assert.deepEqual([response.status, response.data?.code], [status, code]);
    assert.ok(response.data.message);
  }
});

check('an answer signed by a key it does not know, or with a probe, is refused', async () => {
  const strict = new Wechatpay({ ...options, certs: { PUB_KEY_ID_0: held.public_key }, baseURL: `${held.base_url}/` });
  assert.equal((await refusedCode(strict.v3.certificates.get())), 'EV3_RES_HEADER_PLATFORM_SERIAL');
  await plan('wechatpay.response', 'signature_probe');
  assert.equal((await refusedCode(client.v3.certificates.get())), 'EV3_RES_HEADER_SIGNATURE_DIGEST');
  assert.equal((await client.v3.certificates.get()).status, 200);
});

check('the bills of a day are offered, fetched and add up', async () => {
  const number = fresh('AXIOS');
  await pay(number, 4321);
  await door.next();
  const { items } = await control('GET', `events?ref=${number}`);
  await control('POST', 'clock', { advance: '24h' });
  const bill_date = items[0].created_at.slice(0, 10);
  for (const [kind, params] of [['tradebill', { bill_date }], ['fundflowbill', { bill_date, tar_type: 'GZIP' }]]) {
    const { data: offer } = await client.v3.bill[kind].get({ params });
    const { data } = await client.v3.billdownload.file.get({ params: new URL(offer.download_url).searchParams, responseType: 'arraybuffer' });
    const content = params.tar_type ? gunzipSync(data) : data;
    assert.equal(createHash('sha1').update(content).digest('hex'), offer.hash_value);
    assert.ok(content.toString().includes('43.21'));
  }
  const today = await refused(client.v3.bill.tradebill.get({ params: { bill_date: '2099-01-01' } }));
  assert.deepEqual([today.status, today.data.code], [400, 'INVALID_REQUEST']);
});

const refusedCode = (call) => call.then(() => assert.fail('was believed'), (error) => error.code);

await report();
