import type { Sms, SmsSender } from '@countersign/core';
import { endpointUrl, refusal, required, secondsWithin } from './endpoint-url.ts';
import { phoneNumber, postSms } from './post-sms.ts';

/** Options of {@link twilioSms}. */
export interface TwilioSmsOptions {
  /** `AC…` */
  readonly accountSid: string;
  /** The account's token; with `apiKeySid`, the secret of that key. */
  readonly authToken: string;
  /** `SK…`: signs in by an API key in place of the account's token. */
  readonly apiKeySid?: string;
  /** A number of yours (`+14155550100`), an alphanumeric sender, or a messaging service (`MG…`). */
  readonly from: string;
  /** Another server of the same interface. Default `https://api.twilio.com`. */
  readonly apiUrl?: string;
  /** How long an answer may take. Default 15. */
  readonly timeoutSeconds?: number;
}

/**
 * Sends SMS by Twilio's Programmable Messaging (`POST /2010-04-01/Accounts/{AccountSid}/Messages.json`), or a server of the same
 * interface. Throws `configuration_invalid`; `send` rejects with `sms_refused` or `sms_unavailable`, whose cause has Twilio's error
 * number, and no phone number, text or token.
 */
export function twilioSms(options: TwilioSmsOptions): SmsSender {
  const accountSid = required(options.accountSid, 'twilioSms.accountSid');
  const token = required(options.authToken, 'twilioSms.authToken');
  const from = required(options.from, 'twilioSms.from');
  const user = options.apiKeySid === undefined ? accountSid : required(options.apiKeySid, 'twilioSms.apiKeySid');
  if (!/^[A-Za-z0-9]+$/.test(accountSid)) throw refusal('twilioSms.accountSid', 'is no account', 'It begins with AC.');
  const api = endpointUrl(options.apiUrl ?? 'https://api.twilio.com', 'twilioSms.apiUrl');
  const timeout = secondsWithin(options.timeoutSeconds, 15, 30, 'twilioSms.timeoutSeconds');
  const url = new URL(`${api.pathname.replace(/\/+$/, '')}/2010-04-01/Accounts/${accountSid}/Messages.json`, api);
  const headers = {
    authorization: `Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`,
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
  };
  return {
    async send({ to, text }: Sms) {
      const form = new URLSearchParams({ To: phoneNumber(to), Body: text });
      form.set(/^MG[0-9a-f]{32}$/i.test(from) ? 'MessagingServiceSid' : 'From', from);
      await postSms(url, headers, form.toString(), timeout, errorNumber);
    },
  };
}

/** Twilio's error number (`21211`), which its documentation explains. The message beside it repeats the phone number. */
function errorNumber({ body }: { readonly body: string }): string {
  try {
    const code: unknown = Reflect.get(JSON.parse(body) as object, 'code');
    return typeof code === 'number' && Number.isInteger(code) ? `error ${code}` : '';
  } catch {
    return '';
  }
}
