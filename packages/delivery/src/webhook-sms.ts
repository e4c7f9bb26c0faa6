import { type Sms, type SmsSender, systemClock } from '@countersign/core';
import { endpointUrl, secondsWithin } from './endpoint-url.ts';
import { phoneNumber, postSms } from './post-sms.ts';
import { signedHeaders, webhookKey } from './signed-webhook.ts';

/** Options of {@link webhookSms}. */
export interface WebhookSmsOptions {
  /** Where a service of yours takes messages and sends them on. */
  readonly url: string;
  /** At least 24 bytes in base64, with `whsec_` before them or without. */
  readonly secret: string;
  /** How long an answer may take. Default 15. */
  readonly timeoutSeconds?: number;
  /** For the timestamp. Default: the machine's. */
  readonly clock?: { now(): number };
}

/**
 * Sends SMS by a service of your own: a POST of `{"type":"countersign.sms","data":{"to":"+14155550100","text":"…"}}`, signed as
 * {@link https://www.standardwebhooks.com Standard Webhooks} are. A 2xx answer means that it was taken. Throws
 * `configuration_invalid`; `send` rejects with `sms_refused` or `sms_unavailable`.
 */
export function webhookSms(options: WebhookSmsOptions): SmsSender {
  const url = endpointUrl(options.url, 'webhookSms.url');
  const key = webhookKey(options.secret, 'webhookSms.secret');
  const timeout = secondsWithin(options.timeoutSeconds, 15, 30, 'webhookSms.timeoutSeconds');
  const clock = options.clock ?? systemClock;
  return {
    async send({ to, text }: Sms) {
      const body = JSON.stringify({ type: 'countersign.sms', data: { to: phoneNumber(to), text } });
      await postSms(url, signedHeaders(key, body, clock.now()), body, timeout);
    },
  };
}
