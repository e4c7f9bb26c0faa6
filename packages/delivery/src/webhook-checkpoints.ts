import { type CheckpointAbout, type CheckpointSink, systemClock } from '@countersign/core';
import { endpointUrl, required, secondsWithin } from './endpoint-url.ts';
import { post } from './post.ts';
import { signedHeaders, webhookKey } from './signed-webhook.ts';

/** Options of {@link webhookCheckpoints}. */
export interface WebhookCheckpointsOptions {
  /** Where a service, of others best, takes checkpoints and keeps them. */
  readonly url: string;
  /** At least 24 bytes in base64, with `whsec_` before them or without. */
  readonly secret: string;
  /** Default `webhook`. */
  readonly name?: string;
  /** How long an answer may take. Default 15. */
  readonly timeoutSeconds?: number;
  /** For the timestamp. Default: the machine's. */
  readonly clock?: { now(): number };
}

/**
 * Posts each checkpoint as `{"type":"countersign.checkpoint","data":{"size":…,"at":"…","checkpoint":"…"}}`, signed as Standard Webhooks
 * are. An answer other than 2xx is a failure, and the newest is tried again.
 */
export function webhookCheckpoints(options: WebhookCheckpointsOptions): CheckpointSink {
  const url = endpointUrl(options.url, 'webhookCheckpoints.url');
  const key = webhookKey(options.secret, 'webhookCheckpoints.secret');
  const timeout = secondsWithin(options.timeoutSeconds, 15, 30, 'webhookCheckpoints.timeoutSeconds');
  const clock = options.clock ?? systemClock;
  return {
    name: required(options.name ?? 'webhook', 'webhookCheckpoints.name'),
    async deliver(checkpoint: string, { size, at }: CheckpointAbout) {
      const data = { size, at: at.toISOString(), checkpoint };
      const body = JSON.stringify({ type: 'countersign.checkpoint', data });
      const { status } = await post(url, signedHeaders(key, body, clock.now()), body, timeout);
      if (status < 200 || status > 299) throw new Error(`HTTP: ${status}`);
    },
  };
}
