// node-easywechat 3.6, its Pay application: signs what is given as `data`; callbacks with its Validator and Server.
import { writeFileSync } from 'node:fs';
import { assert, check, control, digest, ear, fresh, openid, person, phone, plan, report, resend, sdk, world } from './harness.mjs';

const { Pay, ServerRequest } = sdk('node-easywechat');
const held = world.credentials.wechatpay;

function file(name, content) {
  writeFileSync(name, content);
  return name;
}

const config = {
  mch_id: held.mchid,
  private_key: file('merchant_key.pem', held.merchant_private_key),
  certificate: file('merchant_certificate.pem', held.merchant_certificate),
  secret_key: held.apiv3_key,
  file_cache: { path: './easywechat-pay' },
  http: { baseURL: held.base_url, throw: false },
};
const app = new Pay(config);
const client = app.getClient();
const payer = { openid: await openid('P01') };
const door = await ear(read);

async function read({ method, url, headers, body }) {
  const request = new ServerRequest(method, url, headers, body);
  await request.parseBody();
  app.setRequest(request);
  await app.getValidator().validate(request);
  const message = await app.getServer().getRequestMessage();
  return { event_type: JSON.parse(body).event_type, plain: message.toObject() };
}

const order = (number, total = 4200) => client.request('POST', '/v3/pay/transactions/jsapi', {
  data: {
    appid: held.appid, mchid: held.mchid, description: '样例药品', out_trade_no: number,
    notify_url: `${door.url}/pay`, amount: { total, currency: 'CNY' }, payer,
  },
});
const query = (number) => client.request('GET', `/v3/pay/transactions/out-trade-no/${number}`, { params: { mchid: held.mchid } });

async function paid(number) {
  const made = (await order(number)).toObject();
  const params = app.getUtils().buildMiniAppConfig(made.prepay_id, held.appid);
  assert.equal((await phone('wechatpay/pay', { params })).errMsg, 'requestPayment:ok');
}

check('an order is made, queried and closed', async () => {
  const number = fresh('EASY');
  assert.equal((await order(number)).getStatusCode(), 200);
  assert.equal((await query(number)).toObject().trade_state, 'NOTPAY');
  const closed = await client.request('POST', `/v3/pay/transactions/out-trade-no/${number}/close`, { data: { mchid: held.mchid } });
  assert.equal(closed.getStatusCode(), 204);
  assert.equal((await query(number)).toObject().trade_state, 'CLOSED');
});

check('the parameters it signs for the phone pay, and the callbacks verify', async () => {
  const number = fresh('EASY');
  await paid(number);
  const told = (await door.next()).read;
  assert.deepEqual([told.event_type, told.plain.out_trade_no], ['TRANSACTION.SUCCESS', number]);
  const back = await client.request('POST', '/v3/refund/domestic/refunds', {
    data: { out_trade_no: number, out_refund_no: `R${number}`, notify_url: `${door.url}/refund`, amount: { refund: 1, total: 4200, currency: 'CNY' } },
  });
  assert.equal(back.toObject().status, 'PROCESSING');
  await control('POST', 'clock', { advance: '3s' });
  assert.equal((await door.next()).read.plain.refund_status, 'SUCCESS');
});

check('forged callbacks are refused', async () => {
  const number = fresh('EASY');
  await paid(number);
  const good = await door.next();
  await assert.rejects(read({ ...good, body: good.body.replace('SUCCESS', 'SUCCES5') }), /Invalid Signature/);
  await resend(number, { signature: 'wrong_key' });
  assert.equal((await door.next()).refused, 'Invalid Signature');
  await resend(number, { signature: 'stale' });
  assert.equal((await door.next()).refused, 'Clock Offset Exceeded');
});

check('a mixed order sealed with the platform certificate is made and paid', async () => {
  const number = fresh('EASY');
  const me = await person('P01');
  const sealer = await app.getUtils().getEncryptor();
  const prepay = (await order(number, 5000)).toObject().prepay_id;
  const made = (await client.request('POST', '/v3/med-ins/orders', {
    headers: { 'Wechatpay-Serial': held.platform_serial_no },
    data: {
      mix_pay_type: 'CASH_ONLY', order_type: 'PHARMACY_PAY', appid: held.appid, openid: payer.openid,
      payer: { name: sealer.encrypt(me.name), id_digest: sealer.encrypt(digest(me.id_number)), card_type: 'ID_CARD' },
      out_trade_no: number, serial_no: 'H20260101000001', city_id: '460100', med_inst_name: '样例药房',
      med_inst_no: 'P46010000001', callback_url: `${door.url}/medical`, total_fee: 5000, wechat_pay_cash_fee: 5000,
      prepay_id: prepay,
    },
  })).toObject();
  assert.equal(made.med_ins_pay_status, 'NO_MED_INS_PAY', JSON.stringify(made));
  const params = { ...app.getUtils().buildMiniAppConfig(prepay, held.appid), mixTradeNo: made.mix_trade_no };
  assert.equal((await phone('wechatpay/medical-pay', { params })).errMsg, 'requestMedicalInsurancePay:ok');
  const told = [(await door.next()).read.event_type, (await door.next()).read.event_type];
  assert.deepEqual(told.sort(), ['MEDICAL_INSURANCE.SUCCESS', 'TRANSACTION.SUCCESS']);
});

check('every class of refusal is an answer that failed', async () => {
  const number = fresh('EASY');
  await order(number);
  const stranger = new Pay({ ...config, private_key: file('strange_key.pem', world.strange_key) }).getClient();
  const called = async (outcome, call) => { await plan('wechatpay.jsapi', outcome); return call(); };
  const rows = [
    [400, 'PARAM_ERROR', () => order('5')],
    [401, 'SIGN_ERROR', () => stranger.request('GET', '/v3/certificates')],
    [403, 'OUT_TRADE_NO_USED', () => order(number, 1)],
    [404, 'ORDER_NOT_EXIST', () => query('NOBODYS-01')],
    [429, 'FREQUENCY_LIMITED', () => called('frequency', () => order(fresh('EASY')))],
    [500, 'SYSTEM_ERROR', () => called('system_error', () => order(fresh('EASY')))],
  ];
  for (const [status, code, call] of rows) {
    const answer = await call();
    assert.deepEqual([answer.getStatusCode(), answer.toObject()?.code, answer.isFailed()], [status, code, true]);
  }
});

await report();
