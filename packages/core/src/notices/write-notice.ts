import { englishNotices } from './english.ts';
import type { Contact, Mail, Notice } from './notice.ts';
import type { NoticeTexts } from './notice-texts.ts';
import { spanishNotices } from './spanish.ts';

/**
 * A notice as a mail: what happened, where, when (UTC) and what to do about it. It has no link, so that nobody learns to follow
 * one from such a mail, and no secret, code, patient or category. The subject is ours word by word: nothing in it came from outside.
 */
export function writeNotice(notice: Notice, contact: Contact, publicUrl: URL): Mail {
  const texts = textsOf(contact.language);
  const { subject, happened } = texts.kinds[notice.kind];
  const toUser = 'userId' in notice.to;
  const lines = [
    texts.greeting,
    '',
    filled(happened, { factor: factorName(texts, notice.factor ?? ''), remaining: String(notice.remaining ?? 0) }),
    '',
    filled(texts.when, { at: noticeInstant(notice.at) }),
    filled(texts.where, { host: publicUrl.host }),
    ...byLine(texts, notice, toUser),
    '',
    toUser ? texts.notYou : texts.notExpected,
    '',
  ];
  return { to: contact.email, subject, text: lines.join('\n') };
}

/** By the language alone: `es-MX` is Spanish. */
export function textsOf(language: string | undefined): NoticeTexts {
  return /^es(?:-|$)/i.test(language ?? '') ? spanishNotices : englishNotices;
}

const factorName = (texts: NoticeTexts, factor: string): string =>
  Object.hasOwn(texts.factors, factor) ? (texts.factors[factor] ?? factor) : filled(texts.otherFactor, { factor });

/** The person told learns that it was an administrator; the other administrators, which one. */
function byLine(texts: NoticeTexts, notice: Notice, toUser: boolean): readonly string[] {
  if (toUser) return notice.by === undefined ? [] : [texts.byAdministrator];
  const by = notice.by ?? ('administratorsBut' in notice.to ? notice.to.administratorsBut : '');
  const user = plainName(by);
  return user === '' ? [] : [filled(texts.byUser, { user })];
}

/** A user id without what could break a line or hide in it, and of a bounded length. */
export const plainName = (name: string): string =>
  name
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
    .trim()
    .slice(0, 100)
    .toWellFormed();

/** An instant as notices have it: UTC, to the minute. */
export const noticeInstant = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

export const filled = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
