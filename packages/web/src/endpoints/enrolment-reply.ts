import type { EnrolmentInvitation, SessionPrincipal } from '@countersign/core';
import { h } from 'preact';
import QRCode from 'qrcode';
import { z } from 'zod';
import { type WebReply, withRetryAfter } from '../http/web-reply.ts';
import type { WebRequest } from '../http/web-request.ts';
import {
  EnrolmentPage,
  type FactorError,
  GeneralEnrolmentPage,
  PasskeyEnrolmentPage,
  RecoveryCodesPage,
} from '../pages/pages.ts';
import type { Web } from '../web.ts';
import { withReturn } from './return-path.ts';

/** An enrolment as it is shown. */
export interface ShownEnrolment {
  readonly kind: string;
  readonly invitation: EnrolmentInvitation;
  readonly returnTo: string | null;
  /** The name that was typed. */
  readonly label?: string | undefined;
  readonly failed?: { readonly shown: FactorError; readonly status: number };
  /** It counts already, and what is shown is shown now only. */
  readonly shownOnce?: { readonly replaced: boolean; readonly othersAction: string };
}

const codesSchema = z.object({ codes: z.array(z.string()).min(1) });
const keySchema = z.object({ uri: z.string(), manualKey: z.string(), issuer: z.string(), account: z.string() });
const passkeySchema = z.object({ options: z.record(z.string(), z.unknown()) });
const generalSchema = z.looseObject({
  message: z.string().catch('').default(''),
  answer: z.record(z.string(), z.string()).optional().catch(undefined),
});

/** The page of an enrolment: by what the invitation holds, so that a kind of somebody else's that holds the same gets the same page. */
export async function enrolmentReply(
  web: Web,
  request: WebRequest,
  principal: SessionPrincipal,
  shown: ShownEnrolment,
): Promise<WebReply> {
  const { failed } = shown;
  const page = await pageOf(web, shown);
  return withRetryAfter(web.page(request, principal, page, failed?.status ?? 200), failed?.shown.retryAfterSeconds);
}

async function pageOf(web: Web, { kind, invitation, returnTo, label, failed, shownOnce }: ShownEnrolment) {
  const common = {
    formAction: withReturn(web.path(`/factors/${kind}/confirm`), returnTo),
    error: failed?.shown,
    cancelHref: withReturn(web.path('/factors'), returnTo),
  };
  const codes = codesSchema.safeParse(invitation);
  if (codes.success && shownOnce !== undefined) {
    return h(RecoveryCodesPage, {
      codes: codes.data.codes,
      replaced: shownOnce.replaced,
      continueHref: returnTo ?? web.path('/factors'),
      othersAction: shownOnce.othersAction,
    });
  }
  const key = keySchema.safeParse(invitation);
  if (key.success) {
    const { uri, manualKey, issuer, account } = key.data;
    const qrSvg = await QRCode.toString(uri, { type: 'svg', margin: 2, errorCorrectionLevel: 'M' });
    return h(EnrolmentPage, { ...common, qrSvg, manualKey, issuer, account, otpauthHref: uri });
  }
  const created = passkeySchema.safeParse(invitation);
  if (created.success)
    return h(PasskeyEnrolmentPage, { ...common, label, options: JSON.stringify(created.data.options) });
  const { message, answer, ...rest } = generalSchema.parse(invitation);
  const facts = Object.entries(rest).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  const elsewhere =
    web.countersign.configuration.factors.find((factor) => factor.id === kind)?.answeredBy === 'ceremony';
  return h(GeneralEnrolmentPage, {
    ...common,
    kind,
    message,
    facts: Object.fromEntries(facts),
    ...(elsewhere ? { answer: answer ?? {} } : {}),
  });
}
